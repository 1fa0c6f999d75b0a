package api_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// clocked is a world that keeps lists for 90 days, and lets time pass.
func clocked(t *testing.T) (w *world, pass func(time.Duration)) {
	t.Helper()
	var late atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	st, err := sqlite.Open(t.Context(), sqlite.Options{
		Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys(), Now: now, Retention: 90 * 24 * time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	w = newWorld(t, func(o *api.Options) { o.Store, o.Now = st, now })
	w.store = st
	return w, func(d time.Duration) { late.Add(int64(d)) }
}

// A list whose time is over is still there, with its counts; whoever wants its
// rows is told since when there are none, and why.
func TestRowsThatWereDeleted(t *testing.T) {
	t.Parallel()
	w, pass := clocked(t)
	b := decoded[client.Batch](t, w.do(t, "POST", "/v1/batches?provider=attestr&retention=30d&name=Ivanov", "plate\nDL01AA1000\n", "Content-Type: text/csv"))
	other := decoded[client.Batch](t, w.do(t, "POST", "/v1/batches?provider=attestr", "plate\nDL01AA1001\n", "Content-Type: text/csv"))
	if *b.Retention != "30d" || *other.Retention != "90d" || b.KeptUntil != nil {
		t.Errorf("kept for %s and %s until %v, want 30d, 90d and no time yet", *b.Retention, *other.Retention, b.KeptUntil)
	}
	w.answer(t, b.ID)
	pass(31 * 24 * time.Hour)
	if _, err := w.store.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	b = decoded[client.Batch](t, w.do(t, "GET", "/v1/batches/"+b.ID, ""))
	if b.RowsDeletedAt == nil || b.Name != "" || b.Rows != 1 || b.Counts[client.RowFound] != 1 {
		t.Errorf("the batch is %+v", b)
	}
	for _, path := range []string{
		"/v1/batches/" + b.ID + "/results",
		"/v1/batches/" + b.ID + "/results?status=found",
		"/v1/batches/" + other.ID + "/changes?since=" + b.ID,
	} {
		for _, accept := range []string{"application/json", "text/csv", "application/x-ndjson"} {
			got := w.do(t, "GET", path, "", "Accept: "+accept)
			if got.Code != http.StatusGone || !strings.Contains(got.Body.String(), "rows_deleted") || !strings.Contains(got.Body.String(), "kept for 30d") {
				t.Errorf("%s as %s: %d %s, want 410 that says when and why", path, accept, got.Code, got.Body)
			}
		}
	}
	if got := w.do(t, "POST", "/v1/batches/"+b.ID+"/retry", ""); got.Code != http.StatusGone {
		t.Errorf("retry: %d %s, want 410", got.Code, got.Body)
	}
	for _, bad := range []string{"1s", "30", "-1d", "4000d", "d"} {
		got := w.do(t, "POST", "/v1/batches?provider=attestr&retention="+bad, "plate\nDL01AA1000\n", "Content-Type: text/csv")
		if got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), `"retention"`) {
			t.Errorf("retention %q: %d %s, want 422", bad, got.Code, got.Body)
		}
	}
}
