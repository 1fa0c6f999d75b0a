package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
)

// TestOutOfCreditIsSaidOnceAndOpenedByHand: a fleet that runs out of credit
// draws no more refusals than it has calls in flight, says so once, sends
// nothing more, not even when Redis forgets everything, and goes on when a
// person opens the gate.
func TestOutOfCreditIsSaidOnceAndOpenedByHand(t *testing.T) {
	t.Parallel()
	const inFlight = 4
	u := standIn(t, brisk())
	account := u.Accounts()[0]
	account.Credit = 20 * perCall
	if err := u.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, u)
	f.serve()
	for _, part := range []string{"worker", "worker", "scheduler"} {
		f.spawn(part)
	}
	list := plates(60 * perCall)
	id := f.submit(list)
	f.waitsFor(id, "attestr", "out_of_credit")
	f.noneSending(id) // those that were claimed before the gate closed
	refused := u.Stats().Answers["submit"]["4005"]
	if refused < 1 || refused > inFlight {
		t.Errorf("%d calls were refused for want of credit, want those in flight at most (%d)", refused, inFlight)
	}
	if err := f.redis.Client().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	sent := u.Stats().Requests["submit"]
	<-time.After(3 * time.Second) // in which others would have been rung for
	if n := u.Stats().Requests["submit"] - sent; n != 0 {
		t.Errorf("%d calls were made through a closed gate", n)
	}
	if n := strings.Count(f.log.String(), "gate closed"); n != 1 {
		t.Errorf("it was said %d times that a gate closed, want once", n)
	}

	account.Credit = len(list)
	if err := u.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	if opened, err := f.api.OpenGate(t.Context(), "attestr"); err != nil || len(opened) != 1 {
		t.Fatalf("opened %q, %v; want one gate", opened, err)
	}
	rows := f.await(id)
	if by := f.inOrder(rows, list); by["unknown"] != 0 {
		t.Errorf("got %v, want nothing unknown", by)
	}
	f.answered(u, rows)
	if u.chargedTwice() != 0 || len(u.Charges()) != len(list) {
		t.Errorf("%d plates charged, %d twice; want %d, 0", len(u.Charges()), u.chargedTwice(), len(list))
	}
	f.check()
}

// waitsFor waits until the batch says that it waits for a gate.
func (f *fleet) waitsFor(id, scope, reason string) {
	f.t.Helper()
	f.until(id, func(b client.Batch) bool {
		return b.WaitingFor != nil && b.WaitingFor.Scope == scope && b.WaitingFor.Reason == reason
	})
}

// noneSending waits until no call of the batch is on its way.
func (f *fleet) noneSending(id string) {
	f.t.Helper()
	f.until(id, func(b client.Batch) bool { return b.Counts[client.RowSending] == 0 })
}

// until waits until the batch is as it should be.
func (f *fleet) until(id string, so func(client.Batch) bool) {
	f.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var b client.Batch
	for deadline := time.After(tooLong); ; {
		var err error
		if b, err = f.api.Batch(f.t.Context(), id); err != nil {
			f.t.Fatal(err)
		}
		if so(b) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			f.t.Fatalf("it waits for %+v, with %v", b.WaitingFor, b.Counts)
		}
	}
}
