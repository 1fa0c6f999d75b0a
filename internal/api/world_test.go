package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Tests{M: m}) }

// world is the API over a store of its own.
type world struct {
	store   store.Store
	set     *providers.Set
	price   func(provider string) store.Price
	handler http.Handler
	log     *lockedBuffer
	wakes   chan struct{}
	doc     func() (*document, error)
}

func newWorld(t *testing.T, change func(*api.Options)) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()})
	if err != nil {
		t.Fatal(err)
	}
	return worldOver(t, st, change)
}

// overEachStore runs a test with a world over either kind of store.
func overEachStore(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, nil))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		st, err := postgres.Open(t.Context(), postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
		if err != nil {
			t.Fatal(err)
		}
		test(t, worldOver(t, st, nil))
	})
}

// worldOver is newWorld over a store, which is closed with the test.
func worldOver(t *testing.T, st store.Store, change func(*api.Options)) *world {
	t.Helper()
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := attestr.New(attestr.Config{AuthToken: "t"}, attestr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: st, price: func(string) store.Price { return store.Price{} }, log: &lockedBuffer{}, wakes: make(chan struct{}, 100)}
	o := api.Options{Store: st, Providers: set, Log: zerolog.New(w.log), Wake: func() { w.wakes <- struct{}{} }}
	if change != nil {
		change(&o)
	}
	w.set = o.Providers
	if o.Price != nil {
		w.price = o.Price
	}
	w.handler = api.New(o)
	w.doc = sync.OnceValues(w.readDocument)
	return w
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// do makes a request in process; headers are "Name: value".
func (w *world) do(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return w.send(t, method, path, strings.NewReader(body), headers...)
}

func (w *world) send(t *testing.T, method, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, body)
	r.Host = "127.0.0.1:8080"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	w.document(t).check(t, method, r.URL.Path, rec)
	return rec
}

const (
	jsonBody = "Content-Type: application/json"
	csvBody  = "Content-Type: text/csv"
	ndjson   = "Content-Type: application/x-ndjson"
)

// submitted submits a list of CSV and returns the batch.
func (w *world) submitted(t *testing.T, csv string) client.Batch {
	t.Helper()
	rec := w.do(t, "POST", "/v1/batches?provider=attestr", csv, csvBody)
	if rec.Code != http.StatusCreated {
		t.Fatalf("submit: %d %s", rec.Code, rec.Body)
	}
	return decoded[client.Batch](t, rec)
}

func decoded[T any](t *testing.T, rec *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("decode %s: %v", rec.Body, err)
	}
	return v
}

// batches counts all there are in the store, in whatever state.
func (w *world) batches(t *testing.T) int {
	t.Helper()
	all, err := w.store.Batches(t.Context(), store.BatchFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// answer lets the provider find what is queued of a batch.
func (w *world) answer(t *testing.T, id string) {
	t.Helper()
	ctx := t.Context()
	b, err := w.store.Batch(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Beat(ctx, "worker"); err != nil {
		t.Fatal(err)
	}
	chunks, err := w.store.Offer(ctx, store.OfferRequest{Batch: b.No, Size: 500, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chunks {
		w.settle(ctx, t, c.ID)
	}
}

// claim is what a worker asks for.
func (w *world) claim(c store.ChunkID) store.ClaimRequest {
	return store.ClaimRequest{
		Chunk: c, Owner: "worker", Scopes: []string{"attestr", "attestr/submit"}, Expires: time.Now().Add(time.Minute), Price: w.price("attestr"),
	}
}

func (w *world) settle(ctx context.Context, t *testing.T, c store.ChunkID) {
	t.Helper()
	claim, err := w.store.Claim(ctx, w.claim(c))
	if err != nil {
		t.Fatal(err)
	}
	found := store.Verdict{To: store.Found, Answer: &store.Answer{At: store.Millis(time.Now()), Result: json.RawMessage(`{"valid":true,"contact":"9000000000"}`)}}
	readings := []providers.Reading{{Name: "decoded", Value: 1}, {Name: "left", Value: 7, Gauge: true}}
	if _, err := w.store.Settle(ctx, store.Settlement{Call: claim.Call, Rest: &found, Readings: readings}); err != nil {
		t.Fatal(err)
	}
}
