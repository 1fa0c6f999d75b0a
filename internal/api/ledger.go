package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

// ledgerLine is a call as it is sent.
type ledgerLine struct {
	client.Call
	At        timestamp  `json:"at"`
	SettledAt *timestamp `json:"settled_at"`
}

func viewLine(l store.LedgerLine) ledgerLine {
	v := ledgerLine{At: timestamp(l.At), SettledAt: timestampOf(l.Settled), Call: client.Call{
		Call: int64(l.Call), Provider: l.Provider, Tenant: l.Tenant, Batch: l.Batch,
		Questions: l.Asks, Charged: l.Charged, Free: l.Free, Unknown: l.Unknown(), UnderWay: l.Open(l.Asks) - l.Unknown(),
		Class: l.Class, Code: l.Code,
	}}
	switch {
	case v.UnderWay > 0:
		v.Outcome = "under_way"
	case v.Unknown > 0:
		v.Outcome = "unknown"
	case v.Charged > 0:
		v.Outcome = "charged"
	default:
		v.Outcome = "free"
	}
	if p := l.Price; p.Known() {
		v.Price, v.Currency = new(p.Each.String()), new(p.Currency)
		v.Expected, v.Spent, v.AtRisk = new(p.Of(l.Asks).String()), new(p.Of(l.Charged).String()), new(p.Of(l.Open(l.Asks)).String())
	}
	return v
}

// ledgerPage is a page of calls, newest first.
type ledgerPage struct {
	Items      []ledgerLine `json:"items"`
	NextCursor *string      `json:"next_cursor"`
}

// ledger answers with a page of calls.
func (s *server) ledger(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	f, err := s.ledgerFilter(r, q)
	f.Before, f.Limit = store.CallID(q.cursor()), q.limit()+1 // one more tells whether there is a next page
	if err := firstOf(q.err(), err); err != nil {
		return err
	}
	lines, err := s.Store.Ledger(r.Context(), f)
	if err != nil {
		return err
	}
	page := ledgerPage{Items: []ledgerLine{}}
	for i, l := range lines {
		if i == f.Limit-1 {
			page.NextCursor = new(cursorOf(int(lines[i-1].Call)))
			break
		}
		page.Items = append(page.Items, viewLine(l))
	}
	return writeJSON(w, http.StatusOK, page)
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// ledgerFilter reads what chooses calls.
func (s *server) ledgerFilter(r *http.Request, q *query) (store.LedgerFilter, error) {
	f := store.LedgerFilter{Tenant: tenantOf(r.Context()), Provider: q.text("provider"), From: q.day("from"), To: q.day("to")}
	id := q.text("batch")
	if id == "" || len(q.faults) > 0 { // which are told first
		return f, nil
	}
	b, err := s.visible(r.Context(), id)
	f.Batch = b.No
	return f, err
}

// day returns a time that is given as a day, in UTC, or as a time with its
// zone; zero: it is not given.
func (q *query) day(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	q.fault(name, "it must be a day such as 2026-11-21, or a time such as 2026-11-21T10:00:00Z")
	return time.Time{}
}

// ledgerTotals answers with sums over the calls that are chosen.
func (s *server) ledgerTotals(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	by := store.LedgerGroup(q.text("by"))
	if by == "" {
		by = store.ByCurrency
	}
	if all := store.LedgerGroups(); !slices.Contains(all, by) {
		var names []string
		for _, g := range all {
			names = append(names, string(g))
		}
		q.fault("by", "it must be one of %s", strings.Join(names, ", "))
	}
	f, err := s.ledgerFilter(r, q)
	if err := firstOf(q.err(), err); err != nil {
		return err
	}
	totals, err := s.Store.LedgerTotals(r.Context(), f, by)
	if err != nil {
		return err
	}
	sums := []client.LedgerTotal{}
	for _, t := range totals {
		v := client.LedgerTotal{Group: t.Group, Calls: t.Calls, Questions: t.Asks, Charged: t.Charged, Free: t.Free, Open: t.Asks - t.Charged - t.Free}
		if t.Currency != "" {
			v.Currency, v.Spent, v.AtRisk = new(t.Currency), new(t.Spent.String()), new(t.Held.String())
		}
		sums = append(sums, v)
	}
	return writeJSON(w, http.StatusOK, items[client.LedgerTotal]{sums})
}

// costOf is what a batch costs, in the currency of its provider or, where that
// has no price now, in the one that its calls were made in.
func (s *server) costOf(b store.Batch) cost {
	price := s.Price(b.Provider)
	if !price.Known() {
		for _, c := range b.Costs {
			price.Currency = c.Currency
		}
	}
	if !price.Known() {
		return cost{}
	}
	var sum store.Cost
	for _, c := range b.Costs {
		if c.Currency == price.Currency {
			sum = c
		}
	}
	most := sum.Spent + sum.Held
	if !b.State.Finished() {
		most += price.Of(b.Unasked)
	}
	return cost{Currency: new(price.Currency), Spent: new(sum.Spent.String()), AtMost: new(most.String())}
}
