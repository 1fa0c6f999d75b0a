package api_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

const zipped = "Accept-Encoding: gzip"

func TestLongAnswersAreCompressedForThoseWhoTakeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.submitted(t, "plate\n"+strings.Repeat("DL01AA1000\n", 500)).ID
	results := "/v1/batches/" + id + "/results"
	for _, tt := range []struct {
		path, accept, takes string
		zipped, vary        bool
	}{
		{results, "application/json", "Accept-Encoding: br, gzip;q=0.5", true, true},
		{results, "text/csv", zipped, true, true},
		{results, "application/x-ndjson", zipped, true, true},
		{results, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", zipped, false, false},
		{results, "text/csv", "Accept-Encoding: gzip;q=0", false, true},
		{results, "text/csv", "Accept-Encoding: identity", false, true},
		{"/healthz", "application/json", zipped, false, true},
		{"/v1/batches/b_nobody", "application/json", zipped, false, false},
		{"/docs", "text/html", zipped, true, true},
	} {
		plain := w.do(t, "GET", tt.path, "", "Accept: "+tt.accept)
		rec := w.raw(t, tt.path, "Accept: "+tt.accept, tt.takes)
		if got := rec.Header().Get("Content-Encoding") == "gzip"; got != tt.zipped {
			t.Errorf("%s as %s with %s: compressed is %v", tt.path, tt.accept, tt.takes, got)
		}
		if got := strings.Contains(strings.Join(rec.Header().Values("Vary"), ","), "Accept-Encoding"); got != tt.vary {
			t.Errorf("%s as %s: varies by encoding is %v", tt.path, tt.accept, got)
		}
		if !tt.zipped {
			continue
		}
		z, err := gzip.NewReader(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil || string(text) != plain.Body.String() {
			t.Errorf("%s as %s: %v, %d bytes, want %d", tt.path, tt.accept, err, len(text), plain.Body.Len())
		}
	}
}

// raw makes a GET request whose answer may be compressed.
func (w *world) raw(t *testing.T, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	r.Host = "127.0.0.1"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// The transport of Go takes answers compressed by itself.
func TestACompressedAnswerThatBreaksOffIsNotWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) { o.Store = cutStore{o.Store} })
	c := dialled(t, w)
	b := w.submitted(t, "plate\n"+strings.Repeat("DL01AA1000\n", 2000))
	if err := c.Download(t.Context(), b.ID, client.CSV, client.ResultsOptions{}, io.Discard); err == nil {
		t.Error("half an answer was taken for a whole one")
	}
}

func TestWhatIsAtHandIsNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.submitted(t, "plate\nDL01AA1000\nDL01AA1001\n").ID
	batch, results := "/v1/batches/"+id, "/v1/batches/"+id+"/results"
	again := func(path, tag string, headers ...string) int {
		return w.do(t, "GET", path, "", append(headers, "If-None-Match: "+tag)...).Code
	}
	tag := w.do(t, "GET", batch, "").Header().Get("ETag")
	if tag == "" || again(batch, tag) != 304 || again(batch, `"x", `+strings.TrimPrefix(tag, "W/")) != 304 || again(batch, `W/"x"`) != 200 {
		t.Errorf("tag %s of a batch", tag)
	}
	if tag := w.do(t, "GET", results, "").Header().Get("ETag"); tag != "" {
		t.Errorf("rows that may change have the tag %s", tag)
	}
	w.answer(t, id)
	if again(batch, tag) != 200 {
		t.Error("a batch that has changed was taken for the same")
	}
	csv := "Accept: text/csv"
	tag = w.do(t, "GET", results, "", csv).Header().Get("ETag")
	for _, tt := range []struct {
		path, accept string
		want         int
	}{
		{results, csv, 304}, {results, "Accept: application/json", 200}, {results + "?status=found", csv, 200},
	} {
		if got := again(tt.path, tag, tt.accept); tag == "" || got != tt.want {
			t.Errorf("%s with %s and tag %s: got %d, want %d", tt.path, tt.accept, tag, got, tt.want)
		}
	}
}

// counting counts how often causes are read, which takes as long as rows failed.
type counting struct {
	store.Store
	causes atomic.Int32
}

func (c *counting) Causes(ctx context.Context, no store.BatchNo) ([]store.Cause, error) {
	c.causes.Add(1)
	return c.Store.Causes(ctx, no)
}

// TestPagesOfALongListCostTheirRowsAlone: that of a finished one has a tag, for
// which nobody needs to know why rows failed.
func TestPagesOfALongListCostTheirRowsAlone(t *testing.T) {
	t.Parallel()
	st := &counting{}
	w := newWorld(t, func(o *api.Options) { st.Store, o.Store = o.Store, st })
	id := w.submitted(t, "plate\nDL01AA1000\nDL01AA1001\n").ID
	b, err := w.store.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Beat(t.Context(), "worker"); err != nil {
		t.Fatal(err)
	}
	chunks, err := w.store.Offer(t.Context(), store.OfferRequest{Batch: b.No, Size: 500, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	claim, err := w.store.Claim(t.Context(), w.claim(chunks[0].ID))
	if err != nil {
		t.Fatal(err)
	}
	failed := store.Verdict{To: store.Failed, Answer: &store.Answer{At: store.Millis(time.Now()), Failure: &store.Failure{Class: store.ClassProviderError, Code: "7"}}}
	if _, err := w.store.Settle(t.Context(), store.Settlement{Call: claim.Call, Rest: &failed}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if rec := w.do(t, "GET", "/v1/batches/"+id+"/results?limit=1", ""); rec.Code != 200 || rec.Header().Get("ETag") == "" {
			t.Fatalf("got %d with tag %q", rec.Code, rec.Header().Get("ETag"))
		}
	}
	if n := st.causes.Load(); n != 0 {
		t.Errorf("causes were read %d times for pages of rows", n)
	}
	for range 3 {
		if body := w.do(t, "GET", "/v1/batches/"+id, "").Body.String(); !strings.Contains(body, `"code":"7"`) {
			t.Fatalf("the batch does not say why rows failed: %s", body)
		}
	}
	if n := st.causes.Load(); n != 1 {
		t.Errorf("causes were read %d times for a batch that looks as it did, want once", n)
	}
}
