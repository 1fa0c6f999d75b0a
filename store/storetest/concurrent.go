package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plateq/plateq/store"
)

var concurrencyRules = []rule{
	{"no two claims of a chunk share an ask, of fifty at once", togetherClaim},
	{"one of fifty takes a ticket", togetherTicket},
	{"one of fifty is the probe", togetherProbe},
	{"one of fifty settles an ask", togetherSettle},
	{"lists taken in at once share their asks", togetherIntake},
	{"one of several lists at once gets the identity", togetherIdentity},
	{"a list is reported done once, whoever brings the last answer", togetherDone},
	{"no budget is overdrawn, by fifty at once", togetherSpend},
	{"everything at once leaves the books in balance", togetherAll},
}

// crowd is how many act at once.
const crowd = 50

// together runs act many times at once. act must not end the test.
func together(n int, act func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			act(i)
		})
	}
	close(start)
	wg.Wait()
}

// ok reports an error of one of the crowd.
func (w *world) ok(err error, doing string) bool {
	w.t.Helper()
	if err != nil {
		w.t.Errorf("%s: %v", doing, err)
	}
	return err == nil
}

// many names n plates.
func many(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return list
}

func togetherClaim(w *world) {
	b := w.list(many("P", 2*crowd)...)
	ref := w.chunk(b)
	var mu sync.Mutex
	taken := map[store.AskID]int{}
	calls := map[store.CallID]bool{}
	together(crowd, func(i int) {
		r := w.request(ref.ID)
		r.Max = 1 + i%4
		c, err := w.s.Claim(w.ctx, r)
		if !w.ok(err, "claim") {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, a := range c.Asks {
			taken[a.ID]++
		}
		if len(c.Asks) > 0 {
			calls[c.Call] = true
		}
	})
	for a, n := range taken {
		if n != 1 {
			w.t.Errorf("ask %d was taken %d times", a, n)
		}
	}
	equal(w, "asks taken", len(taken), 2*crowd)
	equal(w, "calls", w.calls(), len(calls))
}

// togetherSpend has everyone ask for more than there is money for, in lists that
// share it, and charges, refunds and forgets along the way.
func togetherSpend(w *world) {
	const room = 60
	d := store.BudgetDefaults{TenantDay: questionsOf(room), TenantMonth: questionsOf(room + 20)}
	w.bounds(providerDay, room+10)
	var chunks []store.ChunkID
	for _, p := range []string{"A", "B", "C"} {
		for _, ref := range w.offer(w.list(many(p, 2*crowd)...), crowd) {
			chunks = append(chunks, ref.ID)
		}
	}
	outcomes := []func(store.AskID) store.Verdict{
		w.found, unknown, queued, func(a store.AskID) store.Verdict { return free(w.notFound(a)) },
	}
	together(crowd, func(i int) {
		for round := range 4 {
			r := w.request(chunks[(i+round)%len(chunks)])
			r.Max, r.Price, r.Budgets = 1+i%4, inr, d
			c, err := w.s.Claim(w.ctx, r)
			if refused := (*store.BudgetError)(nil); errors.As(err, &refused) {
				continue
			}
			if !w.ok(err, "claim") || len(c.Asks) == 0 {
				continue
			}
			w.inBounds(d)
			verdict := outcomes[(i+round)%len(outcomes)](0)
			_, err = w.s.Settle(w.ctx, store.Settlement{Call: c.Call, Rest: &verdict})
			w.ok(err, "settle")
		}
	})
	for _, chunk := range chunks {
		for {
			c, err := w.spend(chunk, d)
			if refused := (*store.BudgetError)(nil); errors.As(err, &refused) || len(c.Asks) == 0 {
				break
			}
			w.must(err, "claim")
			w.settleRest(c, w.found(0))
		}
	}
	for _, u := range w.budgets(store.BudgetsRequest{Defaults: d}) {
		equal(w, "held and spent of "+u.BudgetScope.String(), u.Held+u.Spent, inr.Of(room))
	}
}

// inBounds looks whether a budget is overdrawn.
func (w *world) inBounds(d store.BudgetDefaults) {
	w.t.Helper()
	all, err := w.s.Budgets(w.ctx, store.BudgetsRequest{Defaults: d})
	w.ok(err, "read budgets")
	for _, u := range all {
		if u.Held+u.Spent > u.Amount {
			w.t.Errorf("budget %s: %s are held and %s spent of %s", u.BudgetScope, u.Held, u.Spent, u.Amount)
		}
	}
}

// prizes is for how many things a crowd comes, each of them for another one
// first. Whoever is the very first may be alone; the others wait beside each other.
const prizes = 5

func togetherTicket(w *world) {
	for i := range prizes {
		w.waiting(fmt.Sprint("T-", i), fmt.Sprint("P", i))
	}
	var taken [prizes]atomic.Int32
	refs := w.due()
	together(crowd, func(i int) {
		for n := range refs {
			i := (i + n) % prizes
			o, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: refs[i].ID, Owner: worker, Scopes: []string{provider}, Until: w.in(lease)})
			if w.ok(err, "claim ticket") && o.Lease != 0 {
				taken[i].Add(1)
			}
		}
	})
	for i := range taken {
		equal(w, "taken", taken[i].Load(), 1)
	}
}

func togetherProbe(w *world) {
	ref := w.chunk(w.list(many("P", 2*crowd)...))
	var scopes [prizes]string
	for i := range scopes {
		scopes[i] = fmt.Sprint("scope", i)
		g := w.probing(time.Minute)
		g.Scope = scopes[i]
		w.shut(g)
	}
	w.pass(time.Minute)
	var probes [prizes]atomic.Int32
	together(crowd, func(i int) {
		for n := range scopes {
			i := (i + n) % prizes
			c, err := w.tryClaim(ref.ID, scopes[i])
			if closed := (*store.GateClosedError)(nil); errors.As(err, &closed) {
				continue
			}
			if w.ok(err, "claim") && len(c.Asks) > 0 {
				probes[i].Add(1)
			}
		}
	})
	for i := range probes {
		equal(w, "claims that passed", probes[i].Load(), 1)
	}
}

func togetherSettle(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	var applied, done atomic.Int32
	together(crowd, func(i int) {
		v := w.found(w.ask(c, "P1"))
		if i%2 == 1 {
			v = w.notFound(w.ask(c, "P1"))
		}
		got, err := w.s.Settle(w.ctx, store.Settlement{Call: c.Call, Verdicts: []store.Verdict{v}})
		if w.ok(err, "settle") {
			applied.Add(int32(got.Applied)) //nolint:gosec // one ask
			done.Add(int32(len(got.Done)))  //nolint:gosec // one batch
		}
	})
	equal(w, "applied", applied.Load(), 1)
	equal(w, "done", done.Load(), 0)
}

func togetherIntake(w *world) {
	list := rows(many("P", 20)...)
	batches := make([]store.BatchNo, 6)
	together(len(batches), func(i int) {
		b, err := w.s.BeginBatch(w.ctx, plain())
		if !w.ok(err, "begin batch") {
			return
		}
		for piece := range slices.Chunk(list, 5) {
			if _, err := w.s.AddRows(w.ctx, b, store.Piece{Rows: piece}); !w.ok(err, "add rows") {
				return
			}
		}
		_, err = w.s.CommitBatch(w.ctx, b, nil, time.Time{})
		w.ok(err, "commit batch")
		batches[i] = b
	})
	asks := 0
	for _, b := range batches {
		asks += w.batch(b).Asks
		for _, ref := range w.offer(b, 1000) {
			w.settleRest(w.take(ref.ID), w.found(0))
		}
	}
	equal(w, "asks", asks, 20)
	for _, b := range batches {
		w.batchState(b, store.BatchDone)
		equal(w, "found", w.batch(b).Counts[store.Found], 20)
	}
}

func togetherIdentity(w *world) {
	var winners atomic.Int32
	together(8, func(i int) {
		b, err := w.s.BeginBatch(w.ctx, plain())
		if !w.ok(err, "begin batch") {
			return
		}
		_, err = w.s.AddRows(w.ctx, b, store.Piece{Rows: rows(fmt.Sprintf("P%d", i))})
		w.ok(err, "add rows")
		_, err = w.s.CommitBatch(w.ctx, b, []byte("fleet"), w.now())
		if same := (*store.IdentityError)(nil); errors.As(err, &same) {
			return
		}
		if w.ok(err, "commit batch") {
			winners.Add(1)
		}
	})
	equal(w, "committed", winners.Load(), 1)
}

func togetherDone(w *world) {
	b := w.list(many("P", crowd)...)
	var claims []store.Claim
	for _, ref := range w.offer(b, 1) {
		claims = append(claims, w.take(ref.ID))
	}
	var done atomic.Int32
	together(len(claims), func(i int) {
		v := w.found(0)
		got, err := w.s.Settle(w.ctx, store.Settlement{Call: claims[i].Call, Rest: &v})
		if w.ok(err, "settle") {
			done.Add(int32(len(got.Done))) //nolint:gosec // one batch
		}
	})
	equal(w, "done", done.Load(), 1)
	w.batchState(b, store.BatchDone)
}
