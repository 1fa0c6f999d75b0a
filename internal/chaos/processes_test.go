//go:build chaos

package chaos_test

import (
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/providers/sim"
)

func killedMidCall(t *trial) {
	w := t.build(ground{hooks: true})
	w.provider.set(sim.Fault{Name: "hang", Kind: sim.KindChargeThenHang, Where: "submit", First: atOnce, For: time.Minute})
	victim := w.worker()
	w.scheduler = w.spawn("scheduler")
	w.submit()
	await(t, "ten calls are charged, and not answered", func() bool { return len(w.provider.charges()) >= atOnce })
	victim.kill()
	w.mended = time.Now()
	w.worker()
	b := w.done()
	took := time.Since(w.mended)
	if got, want := b.Counts[client.RowUnknown], atOnce*w.batch; got != want {
		t.Errorf("%d rows are unknown, want the %d that were in flight", got, want)
	}
	t.more("%d calls unknown, then adopted", w.adopt())
	w.account()
	w.result.Recovered = took
	w.nothingUnknown()
}

// adopt does what a person does who finds the tickets of unknown calls beside
// them, and returns how many there were.
func (w *world) adopt() int {
	w.Helper()
	n := 0
	for c, err := range w.api.Unknown(w.Context(), client.UnknownOptions{}) {
		if err != nil {
			w.Fatal(err)
		}
		if n++; len(c.Candidates) == 0 {
			w.Errorf("call %d has no candidates", c.Call)
			continue
		}
		if _, err := w.api.Adopt(w.Context(), c.Call, c.Candidates[0].Ticket, "test"); err != nil {
			w.Error(err)
		}
	}
	return n
}

func killedAfterClaim(t *trial) {
	w := t.build(ground{env: []string{"PLATEQ_ATTESTR_CONCURRENCY=1"}, rows: 200, batch: 20})
	victim := w.worker("PLATEQ_FAIL=after_claim:kill:3")
	w.scheduler = w.spawn("scheduler")
	w.submit()
	victim.exit(time.Minute)
	w.mended = time.Now()
	w.worker()
	b := w.done()
	took := time.Since(w.mended)
	if got := b.Counts[client.RowUnknown]; got != w.batch {
		t.Errorf("%d rows are unknown, want the %d of the claim", got, w.batch)
	}
	if n := w.provider.submits(); n != w.needed-1 {
		t.Errorf("%d calls reached the provider, want %d", n, w.needed-1)
	}
	t.more("%d rows unknown, then sent once", b.Counts[client.RowUnknown])
	if _, err := w.api.Resend(w.Context(), client.Decision{Batch: w.id, Reason: "test"}); err != nil {
		t.Fatal(err)
	}
	w.account()
	w.result.Recovered = took
	w.nothingUnknown()
	w.chargedOnce()
}

// chargedOnce demands that every plate was charged once, none not at all.
func (w *world) chargedOnce() {
	w.Helper()
	n := 0
	for _, c := range w.provider.charges() {
		n += len(c.Plates)
	}
	if n != len(w.list) {
		w.Errorf("%d plates were charged, want %d", n, len(w.list))
	}
}
