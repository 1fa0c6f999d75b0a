//go:build chaos

package chaos_test

import (
	"time"

	"github.com/plateq/plateq/client"
)

func apartFromRedis(t *trial) {
	w, x := t.apart(ground{})
	w.part(0.2)
	w.cutFor(x, x.redis, lasting(20*time.Second, 120*time.Second))
	w.account()
	w.nothingUnknown()
	w.allAlive()
}

func apartFromStore(t *trial) {
	w, x := t.apart(ground{})
	w.part(0.2)
	sent, at := 0, time.Time{}
	w.fault(func() {
		x.part(x.store)
		at = time.Now()
	}, lasting(20*time.Second, 120*time.Second), func() {
		sent = w.provider.submits()
		x.join(x.store)
	})
	w.account()
	w.nothingUnknown()
	w.noneBegan("without a store", sent, at)
	t.more("%d answers in the spool", w.spooled())
}

// apartFromProvider cuts the way when ten calls are charged and not answered.
func apartFromProvider(cut, heal func(*wires, string)) func(*trial) {
	return func(t *trial) {
		call := 3 * time.Second
		w, x := t.apart(ground{hooks: true, least: call, most: call, env: []string{"PLATEQ_ATTESTR_TIMEOUT=8s"}})
		w.calls(atOnce)
		w.fault(func() { cut(x, x.provider) }, lasting(15*time.Second, 120*time.Second), func() { heal(x, x.provider) })
		b := w.done()
		took := time.Since(w.mended)
		n := b.Counts[client.RowUnknown]
		if n == 0 || n%w.batch != 0 && n < atOnce*w.batch {
			t.Errorf("%d rows are unknown, want those of ten calls", n)
		}
		w.adoptCharged()
		left := w.done().Counts[client.RowUnknown]
		if _, err := w.api.Resend(t.Context(), client.Decision{Batch: w.id, Reason: "the provider has never seen them"}); left > 0 && err != nil {
			t.Error(err)
		}
		w.account()
		w.result.Recovered = took
		if w.result.Unknown > 0 {
			t.Errorf("%d rows are still unknown", w.result.Unknown)
		}
		t.more("%d rows unknown, then %d adopted, %d sent again", n, n-left, left)
	}
}

// adoptCharged adopts the tickets of unknown calls as far as there are any: of
// a call that never arrived there is none.
func (w *world) adoptCharged() {
	w.Helper()
	for c, err := range w.api.Unknown(w.Context(), client.UnknownOptions{}) {
		if err != nil {
			w.Fatal(err)
		}
		if len(c.Candidates) == 0 {
			continue
		}
		if _, err := w.api.Adopt(w.Context(), client.Adoption{Call: c.Call, Ticket: c.Candidates[0].Ticket, Reason: "test"}); err != nil {
			w.Error(err)
		}
	}
}

func flapping(t *trial) {
	w, x := t.apart(ground{})
	w.part(0.1)
	hosts := []string{x.redis, x.store}
	for i := range lasting(6, 100) {
		w.cutFor(x, hosts[i%2], 3*time.Second)
		<-time.After(3 * time.Second)
	}
	w.account()
	w.nothingUnknown()
}
