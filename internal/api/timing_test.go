package api_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// TestKeyTiming: how long a refusal takes tells nobody whether there is a key of
// that id. Both kinds of wrong key are shown in turn, so that whatever else goes
// on meets both alike; a difference that is there shows in every round, and one
// round without it is enough.
func TestKeyTiming(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs many requests")
	}
	now := time.Now()
	w, _ := guarded(t, api.AccessOptions{Now: func() time.Time { now = now.Add(time.Minute); return now }})
	_, id := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	_, never := store.MakeAPIKey(store.APIKey{})
	known := "Bearer plq_" + id + never[len("plq_")+len(id):]
	unknown := "Bearer " + never
	const rounds, tries, most = 5, 2000, 0.05
	var differ []float64
	for range rounds {
		var took [2][]time.Duration
		for range tries {
			for i, shown := range []string{known, unknown} {
				took[i] = append(took[i], w.timed(t, shown))
			}
		}
		slices.Sort(took[0])
		slices.Sort(took[1])
		a, b := float64(took[0][tries/2]), float64(took[1][tries/2])
		differ = append(differ, (a-b)/b)
		t.Logf("known id %v, unknown id %v", took[0][tries/2], took[1][tries/2])
		if a < b*(1+most) && b < a*(1+most) {
			return
		}
	}
	t.Errorf("the medians differ by %.3f; want one below %.2f", differ, most)
}

// timed shows a wrong key and returns how long the answer took.
func (w *world) timed(t *testing.T, shown string) time.Duration {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/batches", http.NoBody)
	r.Host = "localhost"
	r.Header.Set("Authorization", shown)
	rec := httptest.NewRecorder()
	start := time.Now()
	w.handler.ServeHTTP(rec, r)
	took := time.Since(start)
	if rec.Code != http.StatusUnauthorized {
		t.Fatalf("got %d", rec.Code)
	}
	return took
}
