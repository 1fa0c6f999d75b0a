package storetest

import (
	"time"

	"github.com/plateq/plateq/store"
)

var ledgerRules = []rule{
	{"a call is a line with what its asks are charged", ledgerLine},
	{"what goes back to the queue is free", ledgerRefused},
	{"of an unknown ask the charge is open until it is known", ledgerUnknown},
	{"of an ask that is given up the charge stays open", ledgerGivenUp},
	{"what a ticket brings was charged when it was accepted", ledgerTicket},
	{"an outcome that comes twice is charged once", ledgerTwice},
	{"a call keeps the price that it was made at", ledgerPrice},
	{"all asks of a call are paid for by one batch", ledgerPayer},
	{"the ledger is chosen by batch, provider and time, and paged", ledgerChosen},
	{"the ledger of one tenant is its own", ledgerTenant},
	{"totals are by group and currency", ledgerTotals},
}

var inr = store.Price{Each: 2_500_000, Currency: "INR"}

// priced claims what is left of the one chunk that the batch offers.
func (w *world) priced(b store.BatchNo, p store.Price) store.Claim {
	w.t.Helper()
	return w.pricedMax(b, p, 0)
}

func (w *world) pricedMax(b store.BatchNo, p store.Price, n int) store.Claim {
	w.t.Helper()
	r := w.request(w.chunk(b).ID)
	r.Price, r.Max = p, n
	c, err := w.s.Claim(w.ctx, r)
	w.must(err, "claim")
	if len(c.Asks) == 0 {
		w.t.Fatalf("a claim for batch %d took nothing", b)
	}
	return c
}

// line is the newest of the ledger.
func (w *world) line() store.LedgerLine {
	w.t.Helper()
	lines := w.ledger(store.LedgerFilter{Limit: 1})
	if len(lines) != 1 {
		w.t.Fatalf("the ledger has %d lines, want one", len(lines))
	}
	return lines[0]
}

func (w *world) ledger(f store.LedgerFilter) []store.LedgerLine {
	w.t.Helper()
	lines, err := w.s.Ledger(w.ctx, f)
	w.must(err, "read ledger")
	return lines
}

// bill holds the newest call, and the costs of the batch, against what they
// should be: charged, free and open asks of one call at inr.
func (w *world) bill(b store.BatchNo, charged, free, open int) {
	w.t.Helper()
	l := w.line()
	equal(w, "charged, free and open asks", []int{l.Charged, l.Free, l.Open(l.Asks)}, []int{charged, free, open})
	var want []store.Cost
	if charged+open > 0 {
		want = []store.Cost{{Currency: "INR", Held: inr.Of(open), Spent: inr.Of(charged)}}
	}
	equal(w, "costs of the batch", w.batch(b).Costs, want)
}

// free is a verdict that costs nothing.
func free(v store.Verdict) store.Verdict {
	v.Free = true
	return v
}

func ledgerLine(w *world) {
	b := w.list("A", "B", "C", "D", "A")
	equal(w, "asks that are queued", w.batch(b).Unasked, 4)
	c := w.priced(b, inr)
	equal(w, "who pays", c.Payer, b)
	equal(w, "asks that are queued once they are claimed", w.batch(b).Unasked, 0)
	w.bill(b, 0, 0, 4)
	claimed := w.now()
	w.pass(time.Second)
	w.settle(c, w.found(w.ask(c, "A")), free(w.notFound(w.ask(c, "B"))), w.failed(w.ask(c, "C"), store.ClassProviderError))
	w.bill(b, 2, 1, 1)
	equal(w, "unknown asks while one is under way", w.line().Unknown(), 0)
	w.settleRest(c, w.notFound(0))
	w.bill(b, 3, 1, 0)
	equal(w, "line", w.line(), store.LedgerLine{
		Call: c.Call, At: claimed, Settled: w.now(), Provider: provider, Tenant: "default", Batch: w.batch(b).ID,
		State: store.CallDone, Asks: 4, Bill: store.Bill{Payer: b, Price: inr, Charged: 3, Free: 1},
	})
}

func ledgerRefused(w *world) {
	b := w.list("A", "B")
	c := w.priced(b, inr)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Queued}, Class: "rate_limited", Code: "4291"})
	w.bill(b, 0, 2, 0)
	equal(w, "class and code", []string{w.line().Class, w.line().Code}, []string{"rate_limited", "4291"})
	equal(w, "asks that are queued again", w.batch(b).Unasked, 2)
	w.settleRest(w.priced(b, inr), w.found(0))
	w.bill(b, 2, 0, 0)
}

func ledgerUnknown(w *world) {
	b := w.list("A", "B", "C")
	c := w.priced(b, inr)
	w.settleRest(c, unknown(0))
	w.bill(b, 0, 0, 3)
	equal(w, "unknown asks", w.line().Unknown(), 3)
	w.settle(c, w.found(w.ask(c, "A")), free(w.notFound(w.ask(c, "B"))))
	w.bill(b, 1, 1, 1)
}

func ledgerGivenUp(w *world) {
	b := w.list("A", "B")
	c := w.priced(b, inr)
	w.settleRest(c, unknown(0))
	w.settleRest(c, w.failed(0, store.ClassGivenUp))
	w.bill(b, 0, 0, 2)
	w.settle(c, w.found(w.ask(c, "A")))
	w.bill(b, 1, 0, 1)
}

func ledgerTicket(w *world) {
	b := w.list("A", "B", "C")
	c := w.priced(b, inr)
	w.settleWaiting(c, "T-1")
	w.bill(b, 3, 0, 0)
	o := w.poll("T-1")
	_, err := w.s.SettleTicket(w.ctx, store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Verdicts: []store.Verdict{w.found(w.ask(c, "A")), free(w.notFound(w.ask(c, "B"))), w.failed(w.ask(c, "C"), store.ClassProviderTimeout)},
	})
	w.must(err, "settle ticket")
	w.bill(b, 3, 0, 0)
}

func ledgerTwice(w *world) {
	b := w.list("A")
	c := w.priced(b, inr)
	for range 3 {
		w.settleRest(c, w.found(0))
		w.settle(c, w.found(w.ask(c, "A")))
	}
	w.bill(b, 1, 0, 0)
}

func ledgerPrice(w *world) {
	b := w.list("A", "B", "C")
	first := w.pricedMax(b, inr, 1)
	second := w.pricedMax(b, store.Price{Each: 70_000, Currency: "EUR"}, 1)
	third := w.pricedMax(b, store.Price{}, 1)
	w.settleRest(third, unknown(0))
	w.settleRest(second, w.found(0))
	w.settleRest(first, w.found(0))
	equal(w, "costs", w.batch(b).Costs, []store.Cost{
		{Held: store.One}, {Currency: "EUR", Spent: 70_000}, {Currency: "INR", Spent: 2_500_000},
	})
}

func ledgerPayer(w *world) {
	first := w.list("A", "B", "C")
	second := w.list("B", "X")
	third := w.list("C", "B")
	w.must(w.s.Pause(w.ctx, first, "for now"), "pause")
	c := w.priced(third, inr) // the chunk of the first, of which two want some
	equal(w, "what one call carries", plates(c), []string{"B"})
	equal(w, "who pays", c.Payer, second)
	w.settleRest(c, w.found(0))
	c = w.priced(third, inr)
	equal(w, "what the next call carries", plates(c), []string{"C"})
	equal(w, "who pays for it", c.Payer, third)
	w.settleRest(c, w.found(0))
	w.must(w.s.Resume(w.ctx, first), "resume")
	c = w.priced(first, inr)
	equal(w, "who pays at home", c.Payer, first)
	w.settleRest(c, w.found(0))
	w.settleRest(w.priced(second, inr), w.found(0))
	for b, n := range map[store.BatchNo]int{first: 1, second: 2, third: 1} {
		equal(w, "costs", w.batch(b).Costs, []store.Cost{{Currency: "INR", Spent: inr.Of(n)}})
	}
}

func ledgerChosen(w *world) {
	a := w.list("A")
	w.settleRest(w.priced(a, inr), w.found(0))
	w.pass(time.Hour)
	nb := plain()
	nb.Provider = "regnum"
	b := w.submit(nb, rows("B"))
	w.settleRest(w.priced(b, inr), w.found(0))
	w.pass(time.Hour)
	c := w.list("C")
	w.settleRest(w.priced(c, inr), w.found(0))
	payers := func(f store.LedgerFilter) (all []store.BatchNo) {
		for _, l := range w.ledger(f) {
			all = append(all, l.Payer)
		}
		return all
	}
	equal(w, "all, newest first", payers(store.LedgerFilter{}), []store.BatchNo{c, b, a})
	equal(w, "of a batch", payers(store.LedgerFilter{Batch: b}), []store.BatchNo{b})
	equal(w, "of a provider", payers(store.LedgerFilter{Provider: provider}), []store.BatchNo{c, a})
	equal(w, "from a time on", payers(store.LedgerFilter{From: w.in(-time.Hour)}), []store.BatchNo{c, b})
	equal(w, "up to a time", payers(store.LedgerFilter{To: w.in(-time.Hour)}), []store.BatchNo{a})
	equal(w, "the newest", payers(store.LedgerFilter{Limit: 1}), []store.BatchNo{c})
	equal(w, "the next page", payers(store.LedgerFilter{Before: w.line().Call, Limit: 1}), []store.BatchNo{b})
}

func ledgerTotals(w *world) {
	a := w.list("A", "B")
	w.settleRest(w.priced(a, inr), w.found(0))
	w.pass(24 * time.Hour)
	b := w.list("C", "D", "E")
	w.settleRest(w.pricedMax(b, inr, 1), unknown(0))
	w.settleRest(w.priced(b, store.Price{}), free(w.notFound(0)))
	totals := func(by store.LedgerGroup, f store.LedgerFilter) []store.LedgerTotal {
		got, err := w.s.LedgerTotals(w.ctx, f, by)
		w.must(err, "sum up ledger")
		return got
	}
	first := store.LedgerTotal{Currency: "INR", Calls: 1, Asks: 2, Charged: 2, Spent: 5_000_000}
	second := store.LedgerTotal{Currency: "INR", Calls: 1, Asks: 1, Held: 2_500_000}
	unpriced := store.LedgerTotal{Calls: 1, Asks: 2, Free: 2}
	both := store.LedgerTotal{Currency: "INR", Calls: 2, Asks: 3, Charged: 2, Spent: 5_000_000, Held: 2_500_000}
	of := func(group string, t store.LedgerTotal) store.LedgerTotal {
		t.Group = group
		return t
	}
	equal(w, "by day", totals(store.ByDay, store.LedgerFilter{}),
		[]store.LedgerTotal{of("2031-05-06", first), of("2031-05-07", unpriced), of("2031-05-07", second)})
	equal(w, "by month", totals(store.ByMonth, store.LedgerFilter{}), []store.LedgerTotal{of("2031-05", unpriced), of("2031-05", both)})
	equal(w, "by provider", totals(store.ByProvider, store.LedgerFilter{}), []store.LedgerTotal{of(provider, unpriced), of(provider, both)})
	equal(w, "by currency", totals(store.ByCurrency, store.LedgerFilter{}), []store.LedgerTotal{unpriced, of("INR", both)})
	equal(w, "of one batch", totals(store.ByBatch, store.LedgerFilter{Batch: a}), []store.LedgerTotal{of(w.batch(a).ID, first)})
}

func ledgerTenant(w *world) {
	acme := plain()
	acme.Tenant = "acme"
	w.priced(w.submit(acme, rows("P1")), inr)
	w.priced(w.list("P1"), inr) // not shared with another tenant
	for _, tenant := range []string{"acme", store.DefaultTenant} {
		f := store.LedgerFilter{Tenant: tenant}
		lines := w.ledger(f)
		if len(lines) != 1 || lines[0].Tenant != tenant {
			w.t.Errorf("ledger of %s: got %+v", tenant, lines)
		}
		totals, err := w.s.LedgerTotals(w.ctx, f, store.ByCurrency)
		w.must(err, "sum up ledger")
		if len(totals) != 1 || totals[0].Calls != 1 {
			w.t.Errorf("totals of %s: got %+v", tenant, totals)
		}
	}
	equal(w, "lines of nobody", len(w.ledger(store.LedgerFilter{Tenant: "nobody"})), 0)
}
