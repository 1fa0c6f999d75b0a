package app_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
)

// TestWhoWorksOnceShowsThatItLives, although one call of it takes longer than a
// minute: nobody else of the fleet judges that.
func TestWhoWorksOnceShowsThatItLives(t *testing.T) {
	t.Parallel()
	began, hold := make(chan struct{}), make(chan struct{})
	var first sync.Once
	u := standInBehind(t, brisk(), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/batchx") {
				first.Do(func() { close(began) })
				<-hold
			}
			h.ServeHTTP(w, r)
		})
	})
	var answer sync.Once
	t.Cleanup(func() { answer.Do(func() { close(hold) }) })
	f := newFleet(t, u, "PLATEQ_ATTESTR_TIMEOUT=120s")
	f.serve()
	f.submit(plates(1))
	var ahead atomic.Int64
	o := f.options()
	o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a := ready(t, o, app.Worker|app.Scheduler)
	others := ready(t, o, app.Books)
	done := make(chan error, 1)
	go func() { done <- a.Once(context.Background()) }()
	select {
	case <-began:
	case err := <-done:
		t.Fatal("nothing was sent: ", err)
	}
	ahead.Store(int64(61 * time.Second))
	until(t, "a sign of life", func() bool {
		stale, err := others.Store().StaleCalls(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(stale) == 0
	})
	answer.Do(func() { close(hold) })
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestWhoWorkedOnceLeavesItsSlots to the next one, who need not wait until they
// come back by themselves.
func TestWhoWorkedOnceLeavesItsSlots(t *testing.T) {
	t.Parallel()
	f := newFleet(t, standIn(t, brisk()), "PLATEQ_ATTESTR_CONCURRENCY=1", "PLATEQ_ATTESTR_TIMEOUT=60s")
	f.serve()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, plate := range plates(2) {
		f.submit([]string{plate})
		a := ready(t, f.options(), app.Worker|app.Scheduler)
		if err := errors.Join(a.Once(ctx), a.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func ready(t *testing.T, o app.Options, parts app.Parts) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), o, parts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}
