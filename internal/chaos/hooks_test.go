//go:build chaos

package chaos_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers/sim"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// hooksSpoiled has webhooks come twice, late, in another order, or from
// somebody else.
func hooksSpoiled(t *trial) {
	g := quick()
	g.hooks, g.standIn = true, []string{"--webhook-faults", "dup=0.5,forge=0.3,lost=0.1,lag=3s"}
	w := t.begin(g)
	w.account()
	w.nothingUnknown()
	w.believed()
}

// believed demands that no forged webhook was, and every genuine one.
func (w *world) believed() {
	w.Helper()
	st, err := w.provider.stats()
	if err != nil {
		w.Fatal(err)
	}
	got := st.Webhooks
	if got.Accepted == 0 || got.ForgedAccepted > 0 || got.Refused > 0 {
		w.Errorf("webhooks: %+v", got)
	}
	w.more("%d taken, %d twice, %d forged and 0 of these believed", got.Accepted, got.Duplicated, got.Forged)
}

// hooksFirst has webhooks come before the answer to the submit that they are
// about.
func hooksFirst(t *trial) {
	g := quick("PLATEQ_ATTESTR_TIMEOUT=30s")
	g.hooks = true
	w := t.build(g)
	w.provider.set(sim.Fault{Name: "late", Kind: sim.KindChargeThenHang, Where: "submit", Every: 3, For: 8 * time.Second})
	w.goOn()
	w.account()
	w.nothingUnknown()
	w.believed()
}

func hooksNever(t *trial) {
	g := quick("PLATEQ_ATTESTR_WEBHOOK=true", "PLATEQ_ATTESTR_WEBHOOK_TOKEN="+sim.DefaultToken)
	w := t.begin(g)
	w.account()
	w.nothingUnknown()
}

func hooksRotated(t *trial) {
	g := quick("PLATEQ_ATTESTR_CLIENT_SECRET=the-new-one,"+sim.DefaultToken, "PLATEQ_ATTESTR_WEBHOOK_TOKEN=the-new-one,"+sim.DefaultToken)
	g.hooks = true
	w := t.begin(g)
	w.account()
	w.nothingUnknown()
	w.believed()
}

// hooksWithoutStore demands that none is taken that is not written down.
func hooksWithoutStore(t *trial) {
	server := pgtest.Start(t)
	g := quick()
	g.hooks, g.server = true, server
	w := t.begin(g)
	w.part(0.3)
	status := 0
	w.fault(server.Stop, lasting(5*time.Second, time.Minute), func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.hookURL(),
			strings.NewReader(`{"event":"async.errored","payload":{"_id":"r_1","requestId":"q_1","status":"ERRORED"}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Basic "+sim.DefaultToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // only its status is asked for
		status = resp.StatusCode
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
	})
	if status != http.StatusServiceUnavailable {
		t.Errorf("a webhook was answered with %d while there was no store, want 503", status)
	}
	w.account()
	w.nothingUnknown()
	t.more("503 without a store")
}

// receiver is another system that is told what happens.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	ill   bool
	tries int
	heard []chaos.Event
}

func newReceiver(t *trial) *receiver {
	r := &receiver{ill: true}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body) // one that is cut is no event
		var e struct {
			Type string
			Data struct{ Batch string }
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tries++
		if r.ill || json.Unmarshal(body, &e) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if e.Type == "batch.done" {
			r.heard = append(r.heard, chaos.Event{ID: req.Header.Get("Webhook-Id"), Change: e.Type + " " + e.Data.Batch})
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// receiverDown has the system that is told be down at first, and the scheduler
// be killed while it tells.
func receiverDown(t *trial) {
	r := newReceiver(t)
	w := t.build(quick("PLATEQ_HOOKS_ALLOW=127.0.0.1"))
	if _, err := w.api.AddWebhook(t.Context(), r.URL, []string{"batch.done"}); err != nil {
		t.Fatal(err)
	}
	w.goOn()
	w.done()
	tries := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.tries
	}
	await(t, "the receiver was tried", func() bool { return tries() > 0 })
	w.scheduler.kill()
	w.scheduler = w.spawn("scheduler")
	r.mu.Lock()
	r.ill = false
	r.mu.Unlock()
	w.mended = time.Now()
	await(t, "the receiver has heard", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.heard) > 0
	})
	w.events = func() []chaos.Event {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.Clone(r.heard)
	}
	w.account()
	w.nothingUnknown()
	t.more("told at try %d, under one name", tries())
}
