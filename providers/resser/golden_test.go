package resser_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
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

func TestRequestAsSent(t *testing.T) {
	t.Parallel()
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s\nX-Api-Key: %s\nContent-Type: %s\nAccept: %s\n\n%s\n", r.Method, r.RequestURI,
			r.Header.Get("X-Api-Key"), r.Header.Get("Content-Type"), r.Header.Get("Accept"), sent)
	}))
	defer srv.Close()
	// One plate on two vehicles, one vehicle twice, and some as people write them.
	ask(t, newProvider(t, config(srv.URL)), requests("3N1AB7AP0KY000000 ABC1230", "3N1AB7AP0KY000001 ABC1230",
		"3N1AB7AP0KY000000 ABC1230", "3n1-ab7ap0ky000002 abc-123-2")...)
	wantGolden(t, "request.request", got)
}

// names are the vehicles that the answers of testdata are about.
var names = []string{"3N1AB7AP0KY000000 ABC1230", "3N1AB7AP0KY000001 ABC1231", "3N1AB7AP0KY000002 ABC1232"}

// TestAnswers reads each answer of testdata and compares what we make of it
// with its golden file.
func TestAnswers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want answers in testdata", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			status := 200
			if strings.HasPrefix(name, "refused-") {
				status = 400
			}
			var got bytes.Buffer
			describe(t, &got, ask(t, newProvider(t, config(answering(t, status, string(body)))), requests(names...)...))
			wantGolden(t, name+".golden", got.String())
		})
	}
}

func describe(t *testing.T, w io.Writer, outs []providers.Outcome) {
	t.Helper()
	for _, o := range outs {
		_, _ = fmt.Fprintf(w, "%s: ", o.Ref)
		switch e, _ := errors.AsType[*providers.Error](o.Err); {
		case o.Record != nil:
			if !json.Valid(o.Record.Result) || !json.Valid(o.Record.Raw) {
				t.Errorf("%s: got result %s, raw %s, want JSON", o.Ref, o.Record.Result, o.Record.Raw)
			}
			_, _ = fmt.Fprintf(w, "record %s\n  raw %s\n", strings.ReplaceAll(string(o.Record.Result), `{"_id"`, "\n    {\"_id\""), plain(o.Record.Raw))
		default:
			_, _ = fmt.Fprintf(w, "%v (%s), scope %s, message %q, cause %v\n  head %s\n", e.Class, e.Code, e.Scope, e.Message, e.Err, plain(e.Head))
		}
	}
}

// plain writes JSON on one line.
func plain(text []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return string(text)
	}
	return b.String()
}

func TestUnusableRequestIsNotSent(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("got %s, want no request", r.Method)
	}))
	defer srv.Close()
	for i, o := range ask(t, newProvider(t, config(srv.URL)), requests("", "3N1AB7AP0KY000000 ", " ABC1230",
		"3N1AB7AP0KY0000001 ABC1230", "3N1AB7AP0KY000000 ABC1230ABC123000", "3N1AB7AP0KY00000Ñ ABC1230", "3N1AB7AP0KY000000 ÄBC1230")...) {
		if !errors.Is(o.Err, providers.InvalidInput) {
			t.Errorf("request %d: got %v, want invalid input", i, o.Err)
		}
	}
}

// TestUnusableRequestFailsAlone: the others are asked about without it.
func TestUnusableRequestFailsAlone(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(upstream))
	defer srv.Close()
	outs := ask(t, newProvider(t, config(srv.URL)), requests("3N1AB7AP0KY000000 ABC1230", "3N1AB7AP0KY000000 ", "3N1AB7AP0KY000003 ABC1233")...)
	if outs[0].Record == nil || !errors.Is(outs[1].Err, providers.InvalidInput) || outs[2].Record == nil {
		t.Errorf("got %+v, want the second alone to fail", outs)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   providers.Class // 0: no error
	}{
		"never processed":  {200, `{"vehicleData":[]}`, 0},
		"no such vehicle":  {400, refusal("badRequest", "BadParameters", "VIN and/or plate is not valid."), 0},
		"body taken away":  {400, refusal("badRequest", "BadRequest", "You must specify at least one vehicle."), providers.Unauthorised},
		"wrong key":        {401, "", providers.Unauthorised},
		"a web page":       {200, "<html>", providers.Ambiguous},
		"too many of them": {429, "", providers.RateLimited},
	} {
		err := newProvider(t, config(answering(t, tc.status, tc.body))).Check(t.Context())
		if (tc.want == 0) != (err == nil) || err != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}
