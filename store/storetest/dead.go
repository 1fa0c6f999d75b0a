package storetest

import (
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var deadRules = []rule{
	{"a call of a worker that lives is nobody's to judge before its time", deadAlive},
	{"a call is anyone's to judge after its time, though its worker lives", deadExpired},
	{"a call of a worker that has not beaten for a minute is to be judged", deadSilent},
	{"a call of a worker that never beat is to be judged", deadNever},
	{"a call of a worker that ended is to be judged at once", deadRetired},
	{"after a restart the calls that were out are to be judged", deadRestart},
	{"a call is judged by the parameters of each of its asks", deadParams},
	{"a call that was settled is not to be judged", deadSettled},
	{"a call that was settled in part is to be judged for the rest", deadPart},
	{"no more calls are listed than wanted", deadLimit},
	{"a judged call leaves unknown rows, and a late answer still counts", deadJudged},
	{"a worker's other calls are its own", deadOthers},
	{"a worker that died has vanished, for an hour, and one that ended has not", deadVanished},
	{"a worker that has been dead for a day is forgotten, and its calls are not", deadForgotten},
	{"who feels the pulse of the store is no worker", deadPulse},
}

func (w *world) beat(id store.WorkerID) {
	w.t.Helper()
	w.must(w.s.Beat(w.ctx, id), "beat")
}

// stale lists calls that somebody must judge.
func (w *world) stale() []store.StaleCall {
	w.t.Helper()
	list, err := w.s.StaleCalls(w.ctx, 100)
	w.must(err, "list stale calls")
	return list
}

// sent is a claimed call of a worker, with a long time to run.
func (w *world) sent(owner store.WorkerID, plates ...string) (store.BatchNo, store.Claim) {
	w.t.Helper()
	nb := plain()
	nb.Params = providers.Params{"operator": "311"}
	b := w.submit(nb, rows(plates...))
	r := w.request(w.chunk(b).ID)
	r.Owner, r.Expires = owner, w.in(10*time.Minute)
	c, err := w.s.Claim(w.ctx, r)
	w.must(err, "claim")
	return b, c
}

func deadAlive(w *world) {
	w.beat("a")
	w.sent("a", "P1")
	for range 9 {
		w.pass(59 * time.Second)
		equal(w, "stale", w.stale(), nil)
		w.beat("a")
	}
}

func deadExpired(w *world) {
	w.beat("a")
	_, c := w.sent("a", "P1", "P2")
	at := w.now()
	w.pass(10*time.Minute - time.Millisecond)
	w.beat("a")
	equal(w, "stale before", w.stale(), nil)
	w.pass(time.Millisecond)
	want := []store.StaleCall{{Call: c.Call, Provider: provider, Owner: "a", Sent: at}}
	for _, a := range c.Asks {
		want[0].Asks = append(want[0].Asks, store.Ask{ID: a.ID, Subject: a.Subject, Params: a.Params})
	}
	equal(w, "stale", w.stale(), want)
}

// deadParams: whether a call may be repeated hangs on what was asked, not on
// what the list says as a whole.
func deadParams(w *world) {
	all := rows("P1", "P2")
	all[1].Question.Params = providers.Params{"force": "true"}
	r := w.request(w.chunk(w.submit(plain(), all)).ID)
	r.Owner = "a"
	_, err := w.s.Claim(w.ctx, r)
	w.must(err, "claim")
	var got []providers.Params
	for _, a := range w.stale()[0].Asks {
		got = append(got, a.Params)
	}
	equal(w, "parameters", got, []providers.Params{all[0].Question.Params, {"force": "true"}})
}

func deadSilent(w *world) {
	w.beat("a")
	w.sent("a", "P1")
	w.pass(59 * time.Second)
	equal(w, "stale before", w.stale(), nil)
	w.pass(2 * time.Second)
	equal(w, "stale", len(w.stale()), 1)
	w.beat("a")
	equal(w, "stale when it beats again", w.stale(), nil)
}

func deadNever(w *world) {
	w.sent("a", "P1")
	equal(w, "stale", len(w.stale()), 1)
}

func deadRetired(w *world) {
	w.beat("a")
	w.sent("a", "P1")
	equal(w, "stale before", w.stale(), nil)
	w.must(w.s.Retire(w.ctx, "a"), "retire")
	equal(w, "stale", len(w.stale()), 1)
}

func deadRestart(w *world) {
	w.beat("a")
	b, c := w.sent("a", "P1", "P2")
	w.reopen()
	w.states(b, store.Sending, store.Sending)
	w.pass(61 * time.Second)
	w.beat("b")
	list := w.stale()
	if len(list) != 1 || list[0].Call != c.Call || list[0].Owner != "a" {
		w.t.Errorf("to be judged are %+v, want call %d of worker a", list, c.Call)
	}
}

func deadSettled(w *world) {
	_, found := w.sent("a", "P1")
	w.settleRest(found, w.found(0))
	_, back := w.sent("a", "P2")
	w.settleRest(back, queued(0))
	_, lost := w.sent("a", "P3")
	w.settleRest(lost, unknown(0))
	_, late := w.sent("a", "P4")
	w.settleWaiting(late, "T-1")
	equal(w, "stale", w.stale(), nil)
}

func deadPart(w *world) {
	b, c := w.sent("a", "P1", "P2", "P3")
	w.settle(c, w.found(w.ask(c, "P2")))
	list := w.stale()
	if len(list) != 1 || list[0].Call != c.Call {
		w.t.Fatalf("to be judged are %+v, want call %d", list, c.Call)
	}
	w.settleRest(c, unknown(0))
	w.states(b, store.Unknown, store.Found, store.Unknown)
	equal(w, "stale", w.stale(), nil)
}

func deadLimit(w *world) {
	w.sent("a", "P1")
	w.sent("a", "P2")
	w.sent("a", "P3")
	list, err := w.s.StaleCalls(w.ctx, 2)
	w.must(err, "list stale calls")
	equal(w, "stale", len(list), 2)
}

func deadJudged(w *world) {
	b, c := w.sent("a", "P1", "P2")
	judged := w.settleAll(store.Settlement{Call: w.stale()[0].Call, Rest: &store.Verdict{To: store.Unknown}})
	equal(w, "judged", judged, store.Settled{Applied: 2, Done: []store.BatchNo{b}})
	w.states(b, store.Unknown, store.Unknown)
	equal(w, "stale", w.stale(), nil)
	got := w.settle(c, w.found(w.ask(c, "P1")))
	equal(w, "late answer of the dead", got, store.Settled{Applied: 1, Late: 1})
	w.states(b, store.Found, store.Unknown)
}

func deadOthers(w *world) {
	w.beat("a")
	w.beat("b")
	w.sent("a", "P1")
	_, c := w.sent("b", "P2")
	w.must(w.s.Retire(w.ctx, "b"), "retire")
	list := w.stale()
	if len(list) != 1 || list[0].Call != c.Call {
		w.t.Errorf("to be judged are %+v, want call %d", list, c.Call)
	}
}

// vanished is how many workers died of late.
func (w *world) vanished() int {
	w.t.Helper()
	n, err := w.s.Vanished(w.ctx)
	w.must(err, "count workers that vanished")
	return n
}

func deadVanished(w *world) {
	for _, id := range []store.WorkerID{"a", "b", "c"} {
		w.beat(id)
	}
	w.pass(59 * time.Second)
	equal(w, "while all live", w.vanished(), 0)
	w.beat("a")
	w.must(w.s.Retire(w.ctx, "b"), "retire")
	w.pass(time.Second)
	equal(w, "when one has ended, and one is silent", w.vanished(), 1)
	w.pass(58*time.Minute + 59*time.Second)
	equal(w, "when another is silent too", w.vanished(), 2)
	w.beat("a")
	equal(w, "when that is back", w.vanished(), 1)
	w.pass(time.Second)
	equal(w, "an hour after the last heartbeat", w.vanished(), 0)
}

func deadForgotten(w *world) {
	w.beat("a")
	w.sent("a", "P1")
	w.pass(day - time.Second)
	w.beat("b")
	w.free("freed before", 0)
	equal(w, "heartbeats before", w.records("workers"), 2)
	w.pass(time.Second)
	w.free("freed", 0)
	equal(w, "heartbeats", w.records("workers"), 1)
	list := w.stale()
	if len(list) != 1 || list[0].Owner != "a" {
		w.t.Errorf("to be judged are %+v, want a call of worker a", list)
	}
	w.beat("a")
	equal(w, "heartbeats when it beats again", w.records("workers"), 2)
}

func deadPulse(w *world) {
	at, err := w.s.Pulse(w.ctx)
	w.must(err, "feel the pulse")
	if d := at.Sub(w.now()); d < -time.Millisecond || d > time.Millisecond {
		w.t.Errorf("heartbeats grow old by a clock that says %v, want %v", at, w.now())
	}
	w.pass(time.Hour)
	then, err := w.s.Pulse(w.ctx)
	w.must(err, "feel the pulse an hour later")
	equal(w, "an hour later it is later by", then.Sub(at), time.Hour)
	w.pass(2 * time.Minute)
	gone, err := w.s.Vanished(w.ctx)
	w.must(err, "count workers that vanished")
	equal(w, "workers that vanished", gone, 0)
	equal(w, "heartbeats", w.records("workers"), 0)
}
