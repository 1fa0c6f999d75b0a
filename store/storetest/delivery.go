package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/plateq/plateq/store"
)

var deliveryRules = []rule{
	{"a delivery is taken by one, and by another when that one is gone", deliveryLeased},
	{"of those who take deliveries at once each gets others", deliveryParallel},
	{"what failed is tried again in its time, under the name of its event", deliveryAgain},
	{"a delivery is tried for three days", deliveryLife},
	{"a receiver that fails is asked by one delivery at a time, with pauses", deliveryBroken},
	{"a receiver that answers again gets at once what had to wait", deliveryRecovers},
	{"hooks take turns, and a slow one takes its share only", deliveryTurns},
	{"receivers that have all they may have keep no place from others", deliveryCrowded},
	{"a receiver that is gone is told nothing more", deliveryGone},
	{"a delivery can be made again", deliveryReplayed},
	{"deliveries are listed by what they are about, newest first", deliveryListed},
	{"what ended long ago is forgotten", deliveryForgotten},
}

// outFor is how long the rules take deliveries for.
const outFor = time.Minute

func (w *world) takeDue() []store.OpenDelivery {
	w.t.Helper()
	all, err := w.s.ClaimDeliveries(w.ctx, store.DeliveryClaim{Limit: 10, PerHook: 4, Until: w.in(outFor)})
	w.must(err, "claim deliveries")
	return all
}

// outcome says what became of a delivery, and expects it to be accepted.
func (w *world) outcome(d store.OpenDelivery, r store.DeliveryResult) {
	w.t.Helper()
	r.No, r.Lease = d.No, d.Lease
	ok, err := w.s.SettleDelivery(w.ctx, r)
	w.must(err, "settle delivery")
	equal(w, "accepted", ok, true)
}

// fails says that a delivery failed, and may be tried again after a while.
func (w *world) fails(d store.OpenDelivery, again time.Duration) {
	w.t.Helper()
	w.outcome(d, store.DeliveryResult{Status: 500, Reason: "status", Again: w.in(again)})
}

func (w *world) deliveries(f store.DeliveryFilter) []store.Delivery {
	w.t.Helper()
	all, err := w.s.Deliveries(w.ctx, f)
	w.must(err, "list deliveries")
	return all
}

// happens makes so many events that every hook for closed gates is told.
func (w *world) happens(n int) {
	w.t.Helper()
	for range n {
		w.closeGate(provider)
		w.openGate(provider)
	}
}

// setOut takes what is due and expects so many.
func (w *world) setOut(n int) []store.OpenDelivery {
	w.t.Helper()
	all := w.takeDue()
	if len(all) != n {
		w.t.Fatalf("%d deliveries were taken, want %d", len(all), n)
	}
	return all
}

func deliveryLeased(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(1)
	first := w.setOut(1)[0]
	equal(w, "attempt", first.Attempt, 1)
	w.pass(outFor - time.Millisecond)
	w.setOut(0)
	w.reopen()
	w.pass(time.Millisecond)
	second := w.setOut(1)[0]
	equal(w, "attempt", second.Attempt, 2)
	equal(w, "event", []any{second.Event, second.At, string(second.Data)}, []any{first.Event, first.At, string(first.Data)})
	ok, err := w.s.SettleDelivery(w.ctx, store.DeliveryResult{No: first.No, Lease: first.Lease, Delivered: true})
	w.must(err, "settle delivery")
	equal(w, "by who lost it", ok, false)
	w.outcome(second, store.DeliveryResult{Delivered: true, Status: 204})
	ok, err = w.s.SettleDelivery(w.ctx, store.DeliveryResult{No: second.No, Lease: second.Lease, Again: w.now()})
	w.must(err, "settle delivery")
	equal(w, "settled twice", ok, false)
	d := w.deliveries(store.DeliveryFilter{})[0]
	equal(w, "state", d.State, store.DeliveryDone)
	equal(w, "attempts, status", []int{d.Attempts, d.Status}, []int{2, 204})
	w.pass(outFor)
	w.setOut(0)
}

func deliveryParallel(w *world) {
	for i := range 5 {
		w.tells(fmt.Sprintf("t%d", i), store.EventGateClosed)
	}
	w.happens(10)
	var mu sync.Mutex
	got := map[store.DeliveryNo]int{}
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			for range 20 {
				some, err := w.s.ClaimDeliveries(w.ctx, store.DeliveryClaim{Limit: 7, PerHook: 50, Until: w.in(outFor)})
				if err != nil {
					w.t.Errorf("claim deliveries: %v", err)
				}
				mu.Lock()
				for _, d := range some {
					got[d.No]++
				}
				mu.Unlock()
			}
		})
	}
	g.Wait()
	for range 50 { // those that somebody else was just looking at
		for _, d := range w.takeDue() {
			got[d.No]++
			w.outcome(d, store.DeliveryResult{Delivered: true})
		}
	}
	for no, n := range got {
		if n != 1 {
			w.t.Errorf("delivery %d was taken %d times", no, n)
		}
	}
	equal(w, "taken", len(got) > 0 && len(got) <= 50, true)
}

func deliveryAgain(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(1)
	d := w.setOut(1)[0]
	w.pass(time.Second)
	w.fails(d, time.Minute)
	shown := w.deliveries(store.DeliveryFilter{})[0]
	equal(w, "state", shown.State, store.DeliveryPending)
	equal(w, "due, tried", []time.Time{shown.Due, shown.Tried}, []time.Time{w.in(time.Minute), w.now()})
	equal(w, "why", fmt.Sprint(shown.Status, " ", shown.Reason), "500 status")
	w.pass(time.Minute - time.Millisecond)
	w.setOut(0)
	w.pass(time.Millisecond)
	again := w.setOut(1)[0]
	equal(w, "event", again.Event, d.Event)
	equal(w, "attempt", again.Attempt, 2)
	w.outcome(again, store.DeliveryResult{Status: 400})
	equal(w, "state", w.deliveries(store.DeliveryFilter{})[0].State, store.DeliveryFailed)
	w.pass(time.Hour)
	w.setOut(0)
}

const threeDays = 72 * time.Hour

func deliveryLife(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(2)
	all := w.setOut(2)
	w.fails(all[0], threeDays+time.Millisecond)
	w.fails(all[1], threeDays)
	equal(w, "failed", len(w.deliveries(store.DeliveryFilter{State: store.DeliveryFailed})), 1)
	tidy := func() int {
		n, err := w.s.TidyOutbox(w.ctx)
		w.must(err, "tidy outbox")
		return n
	}
	w.pass(threeDays - time.Millisecond)
	equal(w, "given up", tidy(), 0)
	w.pass(time.Millisecond)
	equal(w, "given up", tidy(), 1)
	d := w.deliveries(store.DeliveryFilter{})[0]
	equal(w, "state, why", []any{d.State, d.Reason}, []any{store.DeliveryFailed, store.ReasonExpired})
	w.setOut(0)
}

func deliveryBroken(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(8)
	all := w.setOut(4)
	for _, d := range all[:3] {
		w.fails(d, time.Hour)
	}
	w.setOut(0)
	w.pass(10 * time.Second)
	w.setOut(0) // the fourth is out
	w.fails(all[3], time.Hour)
	pause := 20 * time.Second
	for range 4 {
		w.pass(pause - time.Millisecond)
		w.setOut(0)
		w.pass(time.Millisecond)
		w.fails(w.setOut(1)[0], time.Hour)
		pause = min(2*pause, 5*time.Minute)
	}
	hooks, err := w.s.Hooks(w.ctx, "acme")
	w.must(err, "list hooks")
	equal(w, "failures", hooks[0].Lane.Failures, 8)
	equal(w, "pending", hooks[0].Pending, 8)
	equal(w, "next", hooks[0].Lane.RetryAt, w.in(5*time.Minute))
}

func deliveryRecovers(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(6)
	for _, d := range w.setOut(4) {
		w.fails(d, 10*time.Hour)
	}
	w.pass(time.Minute)
	w.outcome(w.setOut(1)[0], store.DeliveryResult{Delivered: true})
	equal(w, "delivered", 1+len(w.delivered()), 6)
}

func deliveryTurns(w *world) {
	for _, tenant := range []string{"a", "b", "c"} {
		w.tells(tenant, store.EventGateClosed)
	}
	w.happens(6)
	count := func(all []store.OpenDelivery) map[string]int {
		by := map[string]int{}
		for _, d := range all {
			by[d.URL[len(d.URL)-1:]]++
		}
		return by
	}
	equal(w, "first", count(w.setOut(10)), map[string]int{"a": 4, "b": 4, "c": 2})
	w.pass(time.Second)
	equal(w, "then", count(w.setOut(2)), map[string]int{"c": 2})
	w.setOut(0)
	w.pass(outFor)
	for _, want := range []map[string]int{{"a": 4, "b": 1}, {"c": 4, "b": 1}} {
		some, err := w.s.ClaimDeliveries(w.ctx, store.DeliveryClaim{Limit: 5, PerHook: 4, Until: w.in(outFor)})
		w.must(err, "claim deliveries")
		equal(w, "who were asked longest ago", count(some), want)
	}
}

func deliveryGone(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(3)
	all := w.setOut(3)
	w.outcome(all[0], store.DeliveryResult{Gone: true, Status: 410})
	for _, d := range w.deliveries(store.DeliveryFilter{}) {
		equal(w, "state", d.State, store.DeliveryFailed)
	}
	ok, err := w.s.SettleDelivery(w.ctx, store.DeliveryResult{No: all[1].No, Lease: all[1].Lease, Delivered: true})
	w.must(err, "settle delivery")
	equal(w, "accepted of one that was under way", ok, false)
	w.happens(1)
	w.pass(time.Hour)
	w.setOut(0)
	equal(w, "deliveries", len(w.deliveries(store.DeliveryFilter{})), 3)
	hooks, err := w.s.Hooks(w.ctx, "acme")
	w.must(err, "list hooks")
	equal(w, "disabled", hooks[0].Disabled, w.in(-time.Hour))
	_, err = w.s.Replay(w.ctx, "acme", w.deliveries(store.DeliveryFilter{})[0].ID)
	equal(w, "replay", errors.Is(err, store.ErrHookDisabled), true)
}

func deliveryReplayed(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(1)
	first := w.delivered()[0]
	old := w.deliveries(store.DeliveryFilter{})[0]
	_, err := w.s.Replay(w.ctx, store.DefaultTenant, old.ID)
	equal(w, "by another tenant", errors.Is(err, store.ErrNoDelivery), true)
	w.pass(time.Hour)
	made, err := w.s.Replay(w.ctx, "acme", old.ID)
	w.must(err, "replay")
	equal(w, "it is another", made.ID != old.ID, true)
	equal(w, "event", made.Event, first.Event)
	d := w.setOut(1)[0]
	equal(w, "sent", []string{d.Event, string(d.Data)}, []string{first.Event, string(first.Data)})
	w.fails(d, 10*time.Hour)
	again, err := w.s.Replay(w.ctx, "acme", made.ID)
	w.must(err, "replay what is pending")
	equal(w, "it is the same", again.ID, made.ID)
	equal(w, "due", again.Due, w.now())
	w.setOut(1)
	equal(w, "the old one", w.deliveries(store.DeliveryFilter{})[1], old)
}

func deliveryListed(w *world) {
	h := w.tellsAll()
	w.tells("acme", store.EventGateClosed)
	b := w.list("A")
	w.settleRest(w.claim(b), w.found(0))
	w.happens(1)
	list := func(f store.DeliveryFilter) []string {
		var kinds []string
		for _, d := range w.deliveries(f) {
			kinds = append(kinds, string(d.Kind))
		}
		return kinds
	}
	equal(w, "all", list(store.DeliveryFilter{}), []string{"gate.opened", "gate.closed", "gate.closed", "batch.done"})
	equal(w, "of a tenant", list(store.DeliveryFilter{Tenant: "acme"}), []string{"gate.closed"})
	equal(w, "of a hook", list(store.DeliveryFilter{Hook: h.ID}), []string{"gate.opened", "gate.closed", "batch.done"})
	equal(w, "of a batch", list(store.DeliveryFilter{Batch: w.batch(b).ID}), []string{"batch.done"})
	equal(w, "of a kind", list(store.DeliveryFilter{Kind: store.EventGateOpened}), []string{"gate.opened"})
	equal(w, "in a state", list(store.DeliveryFilter{State: store.DeliveryDone}), nil)
	two := w.deliveries(store.DeliveryFilter{Limit: 2})
	equal(w, "the next", list(store.DeliveryFilter{Before: two[1].No}), []string{"gate.closed", "batch.done"})
}

func deliveryForgotten(w *world) {
	w.tells("acme", store.EventGateClosed)
	w.happens(1)
	w.delivered()
	w.pass(time.Hour)
	w.happens(1)
	w.delivered()
	w.pass(30*24*time.Hour - time.Hour - time.Millisecond)
	tidy := func() int {
		w.t.Helper()
		_, err := w.s.TidyOutbox(w.ctx)
		w.must(err, "tidy outbox")
		return len(w.deliveries(store.DeliveryFilter{}))
	}
	equal(w, "left", tidy(), 2)
	w.pass(time.Millisecond)
	equal(w, "left", tidy(), 1)
}

func deliveryCrowded(w *world) {
	w.tells("slow", store.EventGateClosed)
	w.tells("slower", store.EventGateClosed)
	w.tells("well", store.EventGateClosed)
	w.happens(6)
	answer := func(all []store.OpenDelivery) (n int) {
		for _, d := range all {
			if strings.HasSuffix(d.URL, "/well") {
				w.outcome(d, store.DeliveryResult{Delivered: true, Status: 200})
				n++
			}
		}
		return n
	}
	got := answer(w.takeDue()) // the others have four each under way
	for range 2 {
		w.pass(time.Second)
		some, err := w.s.ClaimDeliveries(w.ctx, store.DeliveryClaim{Limit: 2, PerHook: 4, Until: w.in(outFor)})
		w.must(err, "claim deliveries")
		got += answer(some)
	}
	equal(w, "deliveries to who answers at once", got, 6)
}
