package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var eraseRules = []rule{
	{"all that is held on somebody is erased, and nothing of others", eraseAll},
	{"who is found by an answer is erased with the vehicle", eraseByAnswer},
	{"who is found in a line is erased with what was asked", eraseByLine},
	{"who is named in an answer that was not understood is erased from it", eraseByNote},
	{"no key leads to what was erased", eraseKeys},
	{"a question that is queued is not asked any more", eraseQueued},
	{"an answer that comes later is not kept, and is paid for", eraseSending},
	{"what is seen of an answer that comes later is not kept", eraseNote},
	{"what a call says later of a question that it gave back is not kept", eraseNoteBack},
	{"what a call says of others is kept", eraseNoteOther},
	{"a ticket that comes later is not kept, and is paid for", eraseTicket},
	{"a ticket that comes later and costs nothing is not paid for", eraseTicketFree},
	{"a ticket that comes later is kept for others only", eraseTicketShared},
	{"a hint that comes later and names no known ticket is not kept", eraseHinted},
	{"a ticket that somebody names for who was erased is not kept", eraseAdopted},
	{"a question that its call gives back is not asked any more", eraseGivenBack},
	{"nobody waits for an answer any more", eraseWaiting},
	{"what is unknown stays so, and a late answer is not kept", eraseUnknown},
	{"rows that were erased are not asked again", eraseRetried},
	{"an erasure that is cut off is begun again", eraseCutOff},
	{"the record of an erasure that is cut off says how it was begun, and all that it erased", eraseResumed},
	{"a search finds what would be erased and changes nothing", eraseSearch},
	{"what was erased is on record", eraseRecord},
}

// person is the key of a value.
func (w *world) person(kind store.PersonKind, value string) store.PersonKey {
	w.t.Helper()
	sealer, err := store.NewSealer(w.opts.Keys)
	w.must(err, "make sealer")
	key, err := sealer.PersonKey(kind, value)
	w.must(err, "make key")
	return key
}

func (w *world) plate(value string) store.PersonKey { return w.person(store.ByPlate, value) }

// erase erases whom the keys stand for.
func (w *world) erase(keys ...store.PersonKey) store.Erasure {
	w.t.Helper()
	e := store.Erasure{ID: fmt.Sprintf("e_%v_%v", w.now().UnixNano(), keys), At: w.now(), By: "user w", Reason: "asked for it", Keys: keys}
	e, err := store.EraseAll(w.ctx, w.s, e, func([]store.PersonKey, time.Time) error { return nil }, func(int) {})
	w.must(err, "erase")
	return e
}

// blank holds a row against one that was erased.
func (w *world) blank(b store.BatchNo, n int, state store.State) {
	w.t.Helper()
	r := w.read(b, store.RowFilter{After: n - 1, Limit: 1, Questions: true})[0]
	want := store.Row{Number: n, State: state, Attempts: r.Attempts, Cached: r.Cached, Problem: r.Problem, Answer: r.Answer}
	equal(w, fmt.Sprintf("row %d that was erased", n), r, want)
	if r.Problem == nil || r.Problem.Class != store.ClassSuppressed || r.Problem.Code != store.CodeErased {
		w.t.Errorf("row %d that was erased says %v", n, r.Problem)
	}
	if r.Answer != nil && (r.Answer.Result != nil || r.Answer.Raw != nil || r.Answer.Failure != nil && r.Answer.Failure.Message != "") {
		w.t.Errorf("row %d that was erased has the answer %+v", n, r.Answer)
	}
}

// mentions returns what is held that mentions a value, but for webhooks, which
// are the operator's own.
func (w *world) mentions(values ...string) []string {
	w.t.Helper()
	var all []string
	for _, text := range w.unsealed() {
		for _, v := range values {
			if strings.Contains(text, v) && !strings.HasPrefix(text, "hooks.body: ") {
				all = append(all, text)
				break
			}
		}
	}
	return all
}

func eraseAll(w *world) {
	TellCanaries(w.t, w.s)
	calls, err := w.s.Unknowns(w.ctx, store.UnknownFilter{})
	if err != nil || len(calls) != 1 {
		w.t.Fatalf("unknown calls: %v %v", calls, err)
	}
	_, err = w.s.GiveUp(w.ctx, calls[0].Call, store.Decision{By: "w", Reason: canaryName})
	w.must(err, "give up")
	Hint(w.t, w.s, providers.Hint{Ticket: canaryPlate})
	other := w.submit(store.NewBatch{Provider: provider, Name: "others", Columns: []string{"plate"}}, rows("OTHER1"))
	w.settleRest(w.claim(other), w.found(0))
	before := w.read(other, store.RowFilter{Questions: true})
	if len(w.mentions(Canaries()...)) < 10 {
		w.t.Fatalf("only %q is there to be erased", w.mentions(Canaries()...))
	}
	e := w.erase(w.plate(canaryPlate), w.person(store.ByMobile, canaryPhone), w.person(store.ByName, canaryName))
	left := w.mentions(canaryPlate, canaryPhone)
	for _, text := range w.mentions(canaryName) {
		if text != `batches.meta: {"cols":["`+canaryName+`"]}` { // the name of a column
			left = append(left, text)
		}
	}
	equal(w, "what is left", left, nil)
	equal(w, "what was erased", [...]int{e.Erased.Rows, e.Erased.Lists, e.Erased.Reasons}, [...]int{6, 1, 1})
	if e.Erased.Answers < 2 || e.Erased.Hints < 1 || e.Erased.Questions < 5 || e.Erased.Stopped != 1 || e.Erased.Ended < 1 {
		w.t.Errorf("what was erased: %+v", e.Erased)
	}
	equal(w, "rows of others", w.read(other, store.RowFilter{Questions: true}), before)
	equal(w, "name of the list of others", w.batch(other).Name, "others")
}

func (w *world) saying(a store.AskID, result string) store.Verdict {
	return store.Verdict{Ask: a, To: store.Found, Answer: &store.Answer{
		At: w.now(), Result: json.RawMessage(result), Raw: json.RawMessage(`{"as":"it came"}`),
	}}
}

func eraseByAnswer(w *world) {
	first := w.list("P1", "P2")
	c := w.claim(first)
	w.settle(c, w.saying(w.ask(c, "P1"), `{"owner":{"first":"ivan","last":"Ivanov"},"contact":"+91 94339-52003"}`), w.saying(w.ask(c, "P2"), `{"contact":"9433952004"}`))
	nb := plain()
	nb.Reuse.Fresh = true
	second := w.submit(nb, rows("P1"))
	w.settleRest(w.claim(second), w.saying(0, `{"valid":true}`))
	e := w.erase(w.person(store.ByMobile, "09433952003"))
	w.blank(first, 1, store.Found)
	w.blank(second, 1, store.Found)
	equal(w, "who else is suppressed", e.Keys[1:], []store.PersonKey{w.plate("P1")})
	equal(w, "another answer", string(w.row(first, 2).Answer.Result), `{"contact":"9433952004"}`)
	equal(w, "who is found by name once that is gone", w.erase(w.person(store.ByName, "IVANOV Ivan")).Erased.Total(), 0)
}

func eraseByLine(w *world) {
	list := rows("P1", "P2")
	list[0].Line = []string{"P1", "Ivan Ivanov"}
	b := w.submit(plain(), list)
	c := w.claim(b)
	w.settleRest(c, w.saying(0, `{"contact":"1"}`))
	other := w.list("P1")
	w.erase(w.person(store.ByName, "Ivanov Ivan"))
	w.blank(b, 1, store.Found)
	w.blank(other, 1, store.Invalid)
	equal(w, "another row", string(w.row(b, 2).Answer.Result), `{"contact":"1"}`)
}

func eraseByNote(w *world) {
	b := w.list("P1")
	w.settleAll(store.Settlement{Call: w.claim(b).Call, Rest: &store.Verdict{To: store.Unknown}, Note: []byte(`{"of":"P9"}`)})
	e := w.erase(w.plate("P9"))
	equal(w, "what was erased", e.Erased, store.EraseCounts{Notes: 1})
	equal(w, "what is left", w.mentions("P9"), nil)
	w.states(b, store.Unknown)
	equal(w, "the row of who was asked about", w.row(b, 1).Line, []string{"P1"})
}

func eraseKeys(w *world) {
	w.settleRest(w.claim(w.list("P1")), w.found(0))
	Hint(w.t, w.s, providers.Hint{Ticket: "P1"})
	equal(w, "keys of questions and of hints", []int{w.records("ask_keys"), w.records("orphan_names")}, []int{1, 1})
	w.erase(w.plate("P1"))
	equal(w, "keys that are left", []int{w.records("ask_keys"), w.records("orphan_names")}, []int{0, 0})
}

func eraseQueued(w *world) {
	b := w.list("P1", "P2", "P2", "P3")
	other := w.list("P2")
	e := w.erase(w.plate("p-2"))
	equal(w, "what was stopped", e.Erased.Stopped, 1)
	w.states(b, store.Queued, store.Invalid, store.Invalid, store.Queued)
	w.blank(b, 2, store.Invalid)
	w.batchState(other, store.BatchDone)
	equal(w, "asks", plates(w.claim(b)), []string{"P1", "P3"})
}

func eraseSending(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.erase(w.plate("P1"))
	w.settle(c, w.saying(w.ask(c, "P1"), `{"contact":"1"}`), w.saying(w.ask(c, "P2"), `{"contact":"2"}`))
	w.blank(b, 1, store.Found)
	equal(w, "another answer", string(w.row(b, 2).Answer.Result), `{"contact":"2"}`)
	totals, err := w.s.LedgerTotals(w.ctx, store.LedgerFilter{}, store.ByProvider)
	if err != nil || len(totals) != 1 || totals[0].Charged != 2 {
		w.t.Errorf("ledger: %+v %v, want 2 charged", totals, err)
	}
}

func eraseGivenBack(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.erase(w.plate("P1"))
	w.settleRest(c, queued(0))
	w.states(b, store.Invalid, store.Queued)
	equal(w, "asks", plates(w.claim(b)), []string{"P2"})
}

func eraseWaiting(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Waiting}, Tickets: []store.NewTicket{{
		Handle: providers.Ticket{ID: "t1"}, Due: w.now(), Deadline: w.in(1000), Interval: 1,
	}}})
	e := w.erase(w.plate("P1"))
	equal(w, "what ended", e.Erased.Ended, 1)
	w.states(b, store.Failed, store.Waiting)
	w.blank(b, 1, store.Failed)
	due, err := w.s.DueTickets(w.ctx, provider, 0)
	if err != nil || len(due) != 1 {
		w.t.Fatalf("due tickets: %v %v", due, err)
	}
	o, err := w.s.ClaimTicket(w.ctx, store.TicketClaim{ID: due[0].ID, Owner: worker, Until: w.in(1000)})
	w.must(err, "claim ticket")
	equal(w, "who is still waited for", len(o.Asks), 1)
	w.erase(w.plate("P2"))
	w.states(b, store.Failed, store.Failed)
	w.batchState(b, store.BatchDone)
	settled, err := w.s.SettleTicket(w.ctx, store.TicketSettlement{
		ID: o.ID, Lease: o.Lease, Verdicts: []store.Verdict{w.saying(c.Asks[1].ID, `{"contact":"2"}`)}, Due: w.now(),
	})
	w.must(err, "settle ticket")
	equal(w, "answers that were refused", settled.Refused, 1)
	w.blank(b, 2, store.Failed)
}

func eraseUnknown(w *world) {
	b := w.list("P1")
	c := w.claim(b)
	w.settleAll(store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Unknown}, Note: []byte("something that was cut")})
	e := w.erase(w.plate("P1"))
	equal(w, "notes", e.Erased.Notes, 1)
	w.blank(b, 1, store.Unknown)
	_, err := w.s.Resend(w.ctx, c.Call, store.Decision{By: "w", Reason: "to see"})
	w.must(err, "resend")
	w.blank(b, 1, store.Unknown)
	w.settle(c, w.saying(c.Asks[0].ID, `{"contact":"1"}`))
	w.blank(b, 1, store.Found)
}

func eraseRetried(w *world) {
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.settle(c, w.failed(w.ask(c, "P1"), store.ClassProviderError), w.failed(w.ask(c, "P2"), store.ClassProviderError))
	w.erase(w.plate("P1"))
	got, err := w.s.Retry(w.ctx, store.RetryRequest{Batch: b})
	w.must(err, "retry")
	equal(w, "rows that are asked again", got.Rows, 1)
	w.blank(b, 1, store.Failed)
	equal(w, "asks", plates(w.claim(b)), []string{"P2"})
}

func eraseCutOff(w *world) {
	List(w.t, w.s, 2500) // more than one step
	b := w.list("P1", "P2")
	c := w.claim(b)
	w.settleRest(c, w.saying(0, `{"contact":"1"}`))
	e := w.cutOff("P1")
	equal(w, "the line that is left half-way", w.row(b, 1).Line, []string{"P1"})
	_, err := store.EraseAll(w.ctx, w.s, e, func([]store.PersonKey, time.Time) error { return nil }, func(int) {})
	w.must(err, "erase")
	w.reopen()
	w.blank(b, 1, store.Found)
	list, err := w.s.Erasures(w.ctx)
	if err != nil || len(list) != 1 || list[0].Ended.IsZero() {
		w.t.Errorf("erasures: %+v %v, want one that has ended", list, err)
	}
}

// cutOff erases a plate until the first of it is gone, and is killed.
func (w *world) cutOff(plate string) store.Erasure {
	w.t.Helper()
	e := store.Erasure{ID: "e_1", At: w.now(), By: "user w", Reason: "asked for it", Keys: []store.PersonKey{w.plate(plate)}}
	w.must(w.s.BeginErasure(w.ctx, e), "begin erasure")
	r := store.SweepRequest{Keys: e.Keys, Erasure: e.ID}
	for erased := 0; erased == 0; {
		step, err := w.s.Sweep(w.ctx, r)
		w.must(err, "sweep")
		erased, r.From = step.Erased.Total(), step.Next
	}
	w.reopen()
	return e
}

func eraseResumed(w *world) {
	b := w.list("P1", "P2")
	w.settleRest(w.claim(b), w.saying(0, `{"contact":"1"}`))
	begun := w.cutOff("P1")
	again := store.Erasure{ID: begun.ID, At: w.in(1000), By: "user x", Reason: "at a start", Keys: begun.Keys}
	got, err := store.EraseAll(w.ctx, w.s, again, func([]store.PersonKey, time.Time) error { return nil }, func(int) {})
	w.must(err, "erase")
	equal(w, "who and why", [...]string{got.By, got.Reason}, [...]string{begun.By, begun.Reason})
	equal(w, "how much", got.Erased, store.EraseCounts{Rows: 1, Questions: 1, Answers: 1})
	if !got.At.Equal(begun.At) || got.Ended.IsZero() {
		w.t.Errorf("the record begins at %v and ends at %v, want %v and an end", got.At, got.Ended, begun.At)
	}
	list, err := w.s.Erasures(w.ctx)
	got.Keys = nil
	w.must(err, "list erasures")
	equal(w, "what is on record", list, []store.Erasure{got})
}

func eraseSearch(w *world) {
	b := w.list("P1", "P2", "P1")
	c := w.claim(b)
	w.settleRest(c, w.saying(0, `{"contact":"9433952003","of":"Ivan Ivanov"}`))
	before := w.legible()
	got, err := store.Search(w.ctx, w.s, []store.PersonKey{w.plate("P1")}, func(int) {})
	w.must(err, "search")
	equal(w, "rows", got.Rows, []store.RowID{store.NewRowID(b, 1), store.NewRowID(b, 3)})
	equal(w, "questions", got.Counts.Questions, 1)
	all, err := store.Search(w.ctx, w.s, []store.PersonKey{w.person(store.ByName, "Ivan Ivanov")}, func(int) {})
	w.must(err, "search")
	equal(w, "rows on the same answer", len(all.Rows), 3)
	equal(w, "what is readable", w.legible(), before)
}

func eraseRecord(w *world) {
	w.list("P1")
	e := w.erase(w.plate("P1"))
	w.pass(1e9)
	w.erase(w.plate("P2"))
	list, err := w.s.Erasures(w.ctx)
	w.must(err, "list erasures")
	if len(list) != 2 {
		w.t.Fatalf("%d erasures, want 2", len(list))
	}
	got := list[0]
	equal(w, "who and why", [...]string{got.ID, got.By, got.Reason}, [...]string{e.ID, e.By, e.Reason})
	equal(w, "how much", got.Erased, store.EraseCounts{Rows: 1, Questions: 1, Stopped: 1})
	if got.Ended.IsZero() || got.Passes < 2 || !got.At.Equal(e.At) {
		w.t.Errorf("the erasure began %v, ended %v after %d passes", got.At, got.Ended, got.Passes)
	}
}
