package regnum_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/regnum"
)

var update = flag.Bool("update", false, "write what is got to testdata")

// wantGolden compares got with the file of that name.
func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// answering returns the URL of a server that gives one answer to all.
func answering(t testing.TB, status int, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestRequestsAsSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		format string
		req    providers.Request
	}{
		"json":                     {"json", requests("AB123CD")[0]},
		"xml":                      {"xml", requests("AB123CD")[0]},
		"as typed":                 {"json", requests("ab-123 cd")[0]},
		"nameservice of the row":   {"json", with(requests("AB12345")[0], "getktypefornumplatenorway")},
		"nameservice to be quoted": {"json", with(requests("AB12345")[0], "a b&c=d+é#")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent, _ := io.ReadAll(r.Body)
				got = fmt.Sprintf("%s %s\nAccept: %s\nAuthorization: %s\nContent-Type: %s\n\n%s\n", r.Method, r.RequestURI,
					r.Header.Get("Accept"), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), sent)
				q := r.URL.Query()
				if q.Get("id") != id || q.Get("seccode") != seccode {
					t.Errorf("got %v, want the credentials as they are", q)
				}
			}))
			defer srv.Close()
			cfg := config(srv.URL + "/bovsoft.regnum.run")
			cfg.Format = tc.format
			if _, err := newSet(t, newProvider(t, cfg)).Submit(t.Context(), regnum.Name, []providers.Request{tc.req}); err != nil {
				t.Fatal(err)
			}
			wantGolden(t, "request-"+strings.ReplaceAll(name, " ", "-")+".request", got)
		})
	}
}

// with gives a request a nameservice of its own.
func with(r providers.Request, nameservice string) providers.Request {
	r.Params = providers.Params{"nameservice": nameservice}
	return r
}

func TestUnusableRequestIsNotSent(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("got %s, want no request", r.Method)
	}))
	defer srv.Close()
	cfg := config(srv.URL)
	if o := submit(t, newProvider(t, cfg), " - "); !errors.Is(o.Err, providers.InvalidInput) {
		t.Errorf("no plate: got %v, want invalid input", o.Err)
	}
	cfg.Nameservice = ""
	if o := submit(t, newProvider(t, cfg), "AB123CD"); !errors.Is(o.Err, providers.InvalidInput) {
		t.Errorf("no nameservice: got %v, want invalid input", o.Err)
	}
}

// answers lists the answers of testdata by name: the files of each, one for
// each form in which the service could write it.
func answers(t testing.TB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, form := range []string{".json", ".xml", ".html"} {
		files, err := filepath.Glob("testdata/*" + form)
		if err != nil || len(files) == 0 {
			t.Fatalf("got %v, %v, want answers in testdata", files, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), form)
			all[name] = append(all[name], filepath.Base(file))
		}
	}
	return all
}

// TestAnswers reads each answer of testdata and compares what we make of it
// with its golden file: one for all forms, as JSON and XML are one record.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, files := range answers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range files {
				url := answering(t, 200, body(t, file))
				o := submit(t, newProvider(t, config(url)), "AB123CD")
				var got bytes.Buffer
				describe(t, &got, o)
				wantGolden(t, name+".golden", got.String())
			}
		})
	}
}

func describe(t *testing.T, w io.Writer, o providers.Outcome) {
	t.Helper()
	switch e, _ := errors.AsType[*providers.Error](o.Err); {
	case o.Record != nil:
		if !json.Valid(o.Record.Result) || !json.Valid(o.Record.Raw) {
			t.Errorf("got result %s, raw %s, want JSON", o.Record.Result, o.Record.Raw)
		}
		_, _ = fmt.Fprintf(w, "record %s\n", strings.NewReplacer(`":[{`, "\":[\n{", "},{", "},\n{").Replace(string(o.Record.Result)))
	default:
		_, _ = fmt.Fprintf(w, "%v (%s)\n  scope %s, until %v, message %q\n", e.Class, e.Code, e.Scope, e.Until, e.Message)
	}
	for _, r := range o.Readings {
		_, _ = fmt.Fprintf(w, "  %s %d, gauge %v\n", r.Name, r.Value, r.Gauge)
	}
}

// TestRawIsTheAnswer: it is kept as it came, but for the secret.
func TestRawIsTheAnswer(t *testing.T) {
	t.Parallel()
	for name, quoted := range map[string]string{"documented.json": seccode, "documented.xml": html.EscapeString(seccode)} {
		text := strings.Replace(body(t, name), "BLANC", "BLANC "+quoted, 1)
		o := submit(t, newProvider(t, config(answering(t, 200, text))), "AB123CD")
		if o.Record == nil {
			t.Fatalf("%s: got %v, want a record", name, o.Err)
		}
		raw := string(o.Record.Raw)
		if strings.HasSuffix(name, ".xml") {
			if err := json.Unmarshal(o.Record.Raw, &raw); err != nil {
				t.Fatal(err)
			}
		}
		if want := strings.Replace(text, quoted, "[secret]", 1); raw != want {
			t.Errorf("%s: got raw %s, want %s", name, raw, want)
		}
	}
}
