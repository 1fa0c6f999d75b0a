package attestr_test

import (
	"bytes"
	"context"
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
	"github.com/plateq/plateq/providers/attestr"
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

// answering returns a set in front of a server that gives one answer to all,
// and keeps the last request as it was received.
func answering(t *testing.T, cfg attestr.Config, status int, body string) (set *providers.Set, last func() string) {
	t.Helper()
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s\nAuthorization: %s\nContent-Type: %s\nAccept: %s\n\n%s\n", r.Method, r.RequestURI,
			r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("Accept"), sent)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	cfg.BaseURL = srv.URL + cfg.BaseURL
	return newSet(t, newProvider(t, cfg)), func() string { return got }
}

func TestRequestsAsSent(t *testing.T) {
	t.Parallel()
	reqs := requests("DL01AA1000", "dl-01 aa 1001")
	for name, webhook := range map[string]bool{"submit.request": false, "submit-webhook.request": true} {
		cfg := config("/")
		cfg.Webhook = webhook
		set, last := answering(t, cfg, 200, `{"_id":"b1","number":"N-1"}`)
		if _, err := set.Submit(t.Context(), "attestr", reqs); err != nil {
			t.Fatal(err)
		}
		wantGolden(t, name, last())
	}
	cfg := config("")
	cfg.PageSize = 50
	set, last := answering(t, cfg, 200, page())
	if _, err := set.Poll(t.Context(), "attestr", providers.Ticket{ID: "b/1?x=y#é"}, reqs); err != nil {
		t.Fatal(err)
	}
	wantGolden(t, "items.request", last())
}

// TestAnswers reads each testdata/*.json: an answer, what it is an answer to,
// and, in the golden file beside it, what we make of it.
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
			set, _ := answering(t, config(""), 200, string(body))
			reqs := requests("KA01AB1234", "DL8CAF5031", "MH12AB0001", "MH12AB0002", "MH12AB0003")
			var got bytes.Buffer
			if strings.HasPrefix(name, "submit") {
				outs, err := set.Submit(t.Context(), "attestr", reqs)
				if err != nil {
					t.Fatal(err)
				}
				describe(t, &got, outs[:1])
			} else {
				progress, err := set.Poll(t.Context(), "attestr", providers.Ticket{ID: "b1"}, reqs)
				if err != nil {
					describe(t, &got, []providers.Outcome{{Err: err}})
				}
				describe(t, &got, progress.Outcomes)
				_, _ = fmt.Fprintf(&got, "more %v, notices %v\n", progress.More, progress.Notices)
			}
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
				t.Errorf("%s: result or raw is not JSON", o.Ref)
			}
			_, _ = fmt.Fprintf(w, "record %s\n  raw %s\n", o.Record.Result, o.Record.Raw)
		case o.Ticket != nil:
			_, _ = fmt.Fprintf(w, "ticket %q, number %q\n", o.Ticket.ID, o.Ticket.Number)
		default:
			_, _ = fmt.Fprintf(w, "%v\n  scope %s, until %v, message %q\n", e, e.Scope, e.Until, e.Message)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   providers.Class // 0: no error
	}{
		"no such batch":     {400, envelope(4001), 0},
		"an empty page":     {200, page(), 0},
		"too many requests": {429, envelope(4291), 0},
		"bad token":         {401, envelope(4016), providers.Unauthorised},
		"bad token, as 200": {200, envelope(4016), providers.Unauthorised},
		"bad address":       {403, envelope(4039), providers.Unauthorised},
		"a web page":        {403, "<html>", providers.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer srv.Close()
			err := newProvider(t, config(srv.URL)).Check(t.Context())
			if (tc.want == 0) != (err == nil) || err != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	if err := newProvider(t, config(srv.URL)).Check(context.Background()); !errors.Is(err, providers.Unavailable) {
		t.Errorf("nobody there: got %v, want unavailable", err)
	}
}
