package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

func TestOnlyLoopbackNamesAreAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:8080": true, "127.0.0.1": true, "127.3.2.1:80": true, "[::1]:8080": true, "[::1]": true,
		"plateq.example": false, "localhost.evil.example": false, "10.0.0.1:8080": false, "0.0.0.0": false, "": false, "127.0.0.1.nip.io": false,
	} {
		for _, path := range []string{"/v1/batches", "/healthz", "/nothing"} {
			rec := w.do(t, "GET", path, "", "Host: "+host)
			if got := rec.Code != http.StatusForbidden; got != ok {
				t.Errorf("Host %q: got %d for %s", host, rec.Code, path)
			}
		}
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	body := `{"provider":"attestr","items":[{"plate":"DL01AA1000"}]}`
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null"} {
		checkProblem(t, w.do(t, "POST", "/v1/batches", body, jsonBody, header), 403, "cross_site")
	}
	if n := w.batches(t); n != 0 {
		t.Errorf("%d batches were made", n)
	}
	for _, header := range []string{"Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1:8080"} {
		if rec := w.do(t, "POST", "/v1/batches", body, jsonBody, header); rec.Code != 201 {
			t.Errorf("%s: got %d %s", header, rec.Code, rec.Body)
		}
	}
}

func TestWhatHasNoRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, path := range []string{"/", "/v1", "/v1/batches/", "/v1/batches/b_1/nothing", "/debug/pprof/", "/metrics"} {
		checkProblem(t, w.do(t, "GET", path, ""), 404, "no_such_route")
	}
	for _, tt := range []struct{ method, path, allow string }{
		{"PUT", "/v1/batches", "GET, HEAD, POST"}, {"DELETE", "/v1/batches/b_1", "GET, HEAD"},
		{"GET", "/v1/batches/b_1/cancel", "POST"}, {"OPTIONS", "/healthz", "GET, HEAD"}, {"TRACE", "/healthz", "GET, HEAD"},
	} {
		rec := w.do(t, tt.method, tt.path, "")
		checkProblem(t, rec, 405, "method_not_allowed")
		if got := rec.Header().Get("Allow"); got != tt.allow {
			t.Errorf("%s %s allows %q, want %q", tt.method, tt.path, got, tt.allow)
		}
	}
}

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, path := range []string{"/healthz", "/v1/batches", "/nothing"} {
		h := w.do(t, "GET", path, "").Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	var wrong []error
	w := newWorld(t, func(o *api.Options) { o.Ready = func(context.Context) []error { return wrong } })
	if rec := w.do(t, "GET", "/readyz", ""); rec.Code != 200 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	wrong = []error{errors.New("the store does not answer"), errors.New("redis does not answer")}
	rec := w.do(t, "GET", "/readyz", "")
	checkProblem(t, rec, 503, "not_ready")
	for _, err := range wrong {
		if !strings.Contains(rec.Body.String(), err.Error()) {
			t.Errorf("%v is missing in %s", err, rec.Body)
		}
	}
	if rec := w.do(t, "GET", "/healthz", ""); rec.Code != 200 {
		t.Errorf("health: got %d, want 200 whatever is wrong", rec.Code)
	}
}

func TestPanicIsAProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) { o.Ready = func(context.Context) []error { panic("DL01AA1000") } })
	checkProblem(t, w.do(t, "GET", "/readyz", ""), 500, "internal")
	if log := w.log.String(); strings.Contains(log, "DL01AA1000") || !strings.Contains(log, `"panic":"string"`) {
		t.Errorf("log %s", log)
	}
}

func TestLogHoldsOneLinePerRequestAndNoValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	w.answer(t, b.ID)
	before := strings.Count(w.log.String(), "\n")
	w.do(t, "GET", "/v1/batches/"+b.ID+"/results?status=found&cursor=DL01AA1000", "")
	w.do(t, "GET", "/v1/batches/"+b.ID+"/results", "", "Accept: text/csv")
	w.do(t, "POST", "/v1/batches", `{"provider":"DL01AA1000","name":"9000000000","items":[{"plate":"x\ny"}]}`, jsonBody)
	w.do(t, "GET", "/DL01AA1000%0a{}", "")
	log := w.log.String()
	if n := strings.Count(log, "\n") - before; n != 4 {
		t.Errorf("%d lines for 4 requests: %s", n, log)
	}
	for _, canary := range []string{"DL01AA1000", "9000000000"} {
		if strings.Contains(log, canary) {
			t.Errorf("%s is in the log: %s", canary, log)
		}
	}
	if !strings.Contains(log, `"route":"GET /v1/batches/{id}/results","batch":"`+b.ID+`","status":200`) {
		t.Errorf("log %s", log)
	}
}

// cutStore breaks off in the middle of the rows.
type cutStore struct{ store.Store }

func (c cutStore) Rows(ctx context.Context, b store.BatchNo, f store.RowFilter, yield func(store.Row) error) error {
	n := 0
	return c.Store.Rows(ctx, b, f, func(r store.Row) error {
		if n++; n > 1500 {
			return store.ErrAway
		}
		return yield(r)
	})
}

func TestAnswerThatBreaksOffIsNotWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) { o.Store = cutStore{o.Store} })
	b := w.submitted(t, "plate\n"+strings.Repeat("DL01AA1000\n", 2000))
	srv := httptest.NewServer(w.handler)
	defer srv.Close()
	c, err := client.New(srv.URL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Download(t.Context(), b.ID, client.NDJSON, client.ResultsOptions{}, io.Discard); err == nil {
		t.Error("half an answer was taken for a whole one")
	}
}

func TestServerHasEveryBound(t *testing.T) {
	t.Parallel()
	s := api.NewServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 30*time.Second || s.WriteTimeout != 60*time.Second ||
		s.IdleTimeout != 60*time.Second || s.MaxHeaderBytes != 32<<10 {
		t.Errorf("bounds %+v", s)
	}
}
