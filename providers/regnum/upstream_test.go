package regnum_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/regnum"
)

// Canaries: they may turn up in no error.
const (
	id      = "canary-id-4711"
	seccode = "canary seccode/+&8"
)

const nameservice = "getktypefornumplatefrance"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// clock is moved by hand.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return noon.Add(time.Duration(c.ms.Load()) * time.Millisecond) }

func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func config(urls ...string) regnum.Config {
	return regnum.Config{URLs: urls, ID: id, Seccode: seccode, Nameservice: nameservice}
}

func newProvider(t testing.TB, cfg regnum.Config) *regnum.Provider {
	t.Helper()
	return newAt(t, cfg, func() time.Time { return noon })
}

func newAt(t testing.TB, cfg regnum.Config, now func() time.Time) *regnum.Provider {
	t.Helper()
	p, err := regnum.New(cfg, regnum.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newSet(t testing.TB, p providers.Provider) *providers.Set {
	t.Helper()
	s, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// submit asks about one plate.
func submit(t testing.TB, p providers.Provider, plate string) providers.Outcome {
	t.Helper()
	outs, err := newSet(t, p).Submit(t.Context(), regnum.Name, requests(plate))
	if err != nil {
		t.Fatal(err)
	}
	return outs[0]
}

func requests(plates ...string) []providers.Request {
	reqs := make([]providers.Request, len(plates))
	for i, plate := range plates {
		reqs[i] = providers.Request{Ref: fmt.Sprintf("r%d", i), Subject: providers.Subject{providers.Plate: plate}}
	}
	return reqs
}

// body returns an answer of testdata.
func body(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// newUpstream is a small well-behaved service: it knows the client, and of
// every plate but those that end in 1 the document's own car.
func newUpstream(t testing.TB) http.Handler {
	found := map[string]string{"JSON": body(t, "documented.json"), "XML": body(t, "documented.xml")}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		form := q.Get("contenttype")
		switch {
		case q.Get("id") != id || q.Get("seccode") != seccode:
			_, _ = fmt.Fprint(w, said(form, 401, "Client not found"))
		case q.Get("nameservice") != nameservice || strings.HasSuffix(q.Get("regnum"), "1"):
			_, _ = fmt.Fprint(w, said(form, 404, ""))
		default:
			_, _ = fmt.Fprint(w, found[form])
		}
	})
}

// said is an answer without cars.
func said(form string, status int, text string) string {
	if form == "XML" {
		return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<getktype><status>%d</status><statusText>%s</statusText>"+
			"<countFREERequests>7</countFREERequests><data><empty>true</empty></data></getktype>", status, text)
	}
	return fmt.Sprintf(`{"status":%d,"statusText":%q,"countFREERequests":7,"data":{"datacar":[]}}`, status, text)
}
