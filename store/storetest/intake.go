package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var intakeRules = []rule{
	{"nothing is offered before the list is committed", intakeSendsNothing},
	{"a committed list is running and has its turn", intakeCommitRuns},
	{"a batch is kept as it was described", intakeKeepsBatch},
	{"a batch without a tenant or a weight gets the default ones", intakeDefaults},
	{"rows come back in order, each once, as they came", intakeKeepsRows},
	{"a piece that was prepared for another place comes back as it came", intakePrepared},
	{"a row keeps what the question leaves out", intakeQuestionDecides},
	{"an invalid row is kept with its problem and never offered", intakeInvalid},
	{"a list of nothing but invalid rows is done at commit", intakeOnlyInvalid},
	{"what a piece of a list became is counted", intakeTaken},
	{"what is known is found after a piece in which all was new", intakeKnownLater},
	{"a committed list takes no more rows", intakeClosed},
	{"a list is committed once", intakeCommitOnce},
	{"an abandoned list leaves nothing", intakeAbandoned},
	{"an abandoned list leaves to others what they have joined", intakeAbandonedShared},
	{"an abandoned list leaves the calls and the money of those who joined and had it resent", intakeAbandonedResent},
	{"an abandoned list leaves the tickets of those who joined and retried", intakeAbandonedRetried},
	{"a committed list cannot be abandoned", intakeAbandonCommitted},
	{"intakes that a restart cut off are abandoned, later ones are not", intakeAbandonedByRestart},
	{"a committed list outlives a restart", intakeSurvives},
}

func intakeSendsNothing(w *world) {
	b := w.begin(plain())
	w.add(b, rows("DL01AA1000"))
	equal(w, "offer", w.offer(b, 10), nil)
	turns, err := w.s.Turns(w.ctx, provider)
	w.must(err, "list turns")
	equal(w, "turns", turns, nil)
	w.batchState(b, store.BatchIntake)
	w.states(b, store.Queued)
}

func intakeCommitRuns(w *world) {
	nb := plain()
	nb.Weight = 2.5
	b := w.submit(nb, rows("DL01AA1000"))
	w.batchState(b, store.BatchRunning)
	turns, err := w.s.Turns(w.ctx, provider)
	w.must(err, "list turns")
	equal(w, "turns", turns, []store.Turn{{Batch: b, Weight: 2.5, Trace: store.Trace{Rows: 1}}})
	turns, err = w.s.Turns(w.ctx, "regnum")
	w.must(err, "list turns")
	equal(w, "turns of another provider", turns, nil)
	c := w.claim(b)
	equal(w, "asks", plates(c), []string{"DL01AA1000"})
	equal(w, "provider and tenant", []string{c.Provider, c.Tenant}, []string{provider, "default"})
}

func intakeKeepsBatch(w *world) {
	nb := store.NewBatch{
		Tenant: "acme", Provider: provider, Params: providers.Params{"operator": "311"}, Name: "fleet", Purpose: "renewal",
		Metadata: json.RawMessage(`{"order":"17"}`), Columns: []string{"plate", "depot"}, Weight: 3, KeepRaw: true,
	}
	b := w.begin(nb)
	list := rows("DL01AA1000", "DL01AA1001")
	list[1].Question = list[0].Question
	w.add(b, list)
	got := w.commit(b)
	if !strings.HasPrefix(got.ID, "b_") || len(got.ID) < 10 {
		w.t.Errorf("the public id is %q, want b_ and something that cannot be guessed", got.ID)
	}
	want := store.Batch{
		No: b, ID: got.ID, Tenant: "acme", Provider: provider, Params: nb.Params, Name: "fleet", Purpose: "renewal",
		Metadata: nb.Metadata, Columns: nb.Columns, Weight: 3, KeepRaw: true, State: store.BatchRunning,
		Rows: 2, Asks: 1, Counts: store.Counts{store.Queued: 2}, Shared: store.Shared{Duplicates: 1}, Unasked: 1, Created: w.now(),
	}
	equal(w, "committed batch", got, want)
	equal(w, "batch by number", w.batch(b), want)
	byID, err := w.s.Batch(w.ctx, got.ID)
	w.must(err, "read batch by id")
	equal(w, "batch by id", byID, want)
}

func intakeDefaults(w *world) {
	got := w.batch(w.list("DL01AA1000"))
	equal(w, "tenant", got.Tenant, "default")
	equal(w, "weight", got.Weight, 1.0)
}

func intakeKeepsRows(w *world) {
	nb := plain()
	nb.Columns = []string{"plate", "depot"}
	b := w.begin(nb)
	const n = 700
	var want []store.Row
	for from := 0; from < n; from += 64 {
		var piece []store.NewRow
		for i := from; i < min(from+64, n); i++ {
			r := rows(fmt.Sprintf("DL01AA%04d", i*7919%n))[0]
			r.Line = append(r.Line, fmt.Sprintf("depot, %d \"ü\"", i))
			piece = append(piece, r)
			want = append(want, store.Row{Number: i + 1, CallerID: r.CallerID, Subject: r.Subject, Line: r.Line, State: store.Queued})
		}
		w.add(b, piece)
	}
	w.commit(b)
	equal(w, "rows", w.read(b, store.RowFilter{}), want)
}

func intakePrepared(w *world) {
	b := w.begin(plain())
	prepare := func(first int, list []store.NewRow) store.Piece {
		p, err := w.s.Prepare(w.ctx, b, first, list)
		w.must(err, "prepare rows")
		return p
	}
	second, first := prepare(1, rows("DL01AA1001")), prepare(1, rows("DL01AA1000"))
	for _, p := range []store.Piece{first, second} {
		_, err := w.s.AddRows(w.ctx, b, p)
		w.must(err, "add rows")
	}
	w.commit(b)
	var want []store.Row
	for i, r := range append(rows("DL01AA1000"), rows("DL01AA1001")...) {
		want = append(want, store.Row{Number: i + 1, CallerID: r.CallerID, Subject: r.Subject, Line: r.Line, State: store.Queued})
	}
	equal(w, "rows", w.read(b, store.RowFilter{}), want)
}

func intakeQuestionDecides(w *world) {
	list := rows("DL01AA1000", "DL01AA1000")
	list[0].Subject = providers.Subject{providers.Plate: "DL01AA1000", providers.VIN: "VIN1"}
	list[1].Subject = providers.Subject{providers.Plate: "DL01AA1000", providers.VIN: "VIN2"}
	b := w.submit(plain(), list)
	c := w.claim(b)
	if len(c.Asks) != 1 {
		w.t.Fatalf("%d asks were claimed, want 1", len(c.Asks))
	}
	equal(w, "what is sent", c.Asks[0].Subject, providers.Subject{providers.Plate: "DL01AA1000"})
	w.settle(c, w.found(c.Asks[0].ID))
	for i, r := range w.read(b, store.RowFilter{}) {
		equal(w, "subject of the row", r.Subject, list[i].Subject)
	}
}

func intakeInvalid(w *world) {
	list := append(rows("DL01AA1000"), invalid("X"))
	b := w.submit(plain(), list)
	w.states(b, store.Queued, store.Invalid)
	r := w.row(b, 2)
	equal(w, "problem", r.Problem, list[1].Problem)
	equal(w, "line", r.Line, list[1].Line)
	equal(w, "asks", plates(w.claim(b)), []string{"DL01AA1000"})
}

func intakeOnlyInvalid(w *world) {
	b := w.begin(plain())
	w.add(b, []store.NewRow{invalid("X"), invalid("Y")})
	got := w.commit(b)
	equal(w, "state", got.State, store.BatchDone)
	equal(w, "done at", got.Done, w.now())
}

func intakeTaken(w *world) {
	w.list("DL01AA1000")
	b := w.begin(plain())
	taken := w.add(b, append(rows("DL01AA1000", "DL01AA1001", "DL01AA1001"), invalid("X")))
	equal(w, "first piece", taken, store.Taken{Rows: 4, Invalid: 1, Asks: 1, Shared: 2, Joined: 1})
	taken = w.add(b, rows("DL01AA1001", "DL01AA1002"))
	equal(w, "second piece", taken, store.Taken{Rows: 2, Asks: 1, Shared: 1})
	got := w.commit(b)
	equal(w, "rows and own asks", []int{got.Rows, got.Asks}, []int{6, 2})
}

func intakeKnownLater(w *world) {
	w.list("DL01AA1000")
	b := w.begin(plain())
	var plates []string
	for i := range 40 {
		plates = append(plates, fmt.Sprintf("DL01AB%04d", i))
	}
	w.add(b, rows(plates...))
	taken := w.add(b, rows("DL01AC1000", "DL01AA1000", "DL01AB0007", "DL01AC1001"))
	equal(w, "second piece", taken, store.Taken{Rows: 4, Asks: 2, Shared: 2, Joined: 1})
	taken = w.add(b, rows("DL01AC1001", "DL01AC1002"))
	equal(w, "third piece", taken, store.Taken{Rows: 2, Asks: 1, Shared: 1})
	got := w.commit(b)
	equal(w, "rows and own asks", []int{got.Rows, got.Asks}, []int{46, 43})
	equal(w, "shared", got.Shared, store.Shared{Joined: 1, Duplicates: 2})
}

func intakeClosed(w *world) {
	b := w.list("DL01AA1000")
	_, err := w.s.AddRows(w.ctx, b, store.Piece{Rows: rows("DL01AA1001")})
	e := wantError[*store.StateError](w, "add rows to a committed batch", err)
	equal(w, "state in the error", e.State, store.BatchRunning)
	w.states(b, store.Queued)
}

func intakeCommitOnce(w *world) {
	b := w.list("DL01AA1000")
	_, err := w.s.CommitBatch(w.ctx, b, nil, time.Time{})
	refuses[*store.StateError](w, "commit a committed batch", err)
	w.batchState(b, store.BatchRunning)
}

func intakeAbandoned(w *world) {
	b := w.begin(plain())
	w.add(b, append(rows("DL01AA1000", "DL01AA1001"), invalid("X")))
	w.must(w.s.AbandonBatch(w.ctx, b), "abandon batch")
	if _, err := w.s.BatchByNo(w.ctx, b); !errors.Is(err, store.ErrNoBatch) {
		w.t.Errorf("read an abandoned batch: got error %v, want ErrNoBatch", err)
	}
	again := w.begin(plain())
	if again == b {
		w.t.Errorf("the number %d of an abandoned batch was given away again", b)
	}
	equal(w, "the same questions later", w.add(again, rows("DL01AA1000")), store.Taken{Rows: 1, Asks: 1})
	w.commit(again)
	equal(w, "asks", plates(w.claim(again)), []string{"DL01AA1000"})
}

func intakeAbandonedShared(w *world) {
	first := w.begin(plain())
	w.add(first, rows("DL01AA1000", "DL01AA1001"))
	second := w.list("DL01AA1001")
	w.must(w.s.AbandonBatch(w.ctx, first), "abandon batch")
	c := w.claim(second)
	equal(w, "asks", plates(c), []string{"DL01AA1001"})
	w.settle(c, w.found(w.ask(c, "DL01AA1001")))
	w.states(second, store.Found)
	w.batchState(second, store.BatchDone)
	equal(w, "the question that nobody joined", w.add(w.begin(plain()), rows("DL01AA1000")).Asks, 1)
}

func intakeAbandonCommitted(w *world) {
	b := w.list("DL01AA1000")
	if err := w.s.AbandonBatch(w.ctx, b); err == nil {
		w.t.Error("a committed batch was abandoned")
	}
	w.states(b, store.Queued)
	equal(w, "asks", plates(w.claim(b)), []string{"DL01AA1000"})
}

func intakeAbandonedByRestart(w *world) {
	lost := w.begin(plain())
	w.add(lost, rows("DL01AA1000", "DL01AA1001"))
	kept := w.list("DL01AA1001")
	w.reopen()
	if w.traits.IntakeLife > 0 {
		w.pass(w.traits.IntakeLife - 2*time.Second)
		n, err := w.s.AbandonIntakes(w.ctx)
		w.must(err, "abandon intakes")
		equal(w, "abandoned while it may be alive", n, 0)
		w.pass(time.Second)
	}
	w.pass(time.Second)
	begun := w.begin(plain())
	w.add(begun, rows("DL01AA1002"))
	n, err := w.s.AbandonIntakes(w.ctx)
	w.must(err, "abandon intakes")
	equal(w, "abandoned", n, 1)
	if _, err := w.s.BatchByNo(w.ctx, lost); !errors.Is(err, store.ErrNoBatch) {
		w.t.Errorf("read the batch that was cut off: got error %v, want ErrNoBatch", err)
	}
	equal(w, "asks of the one that had joined", plates(w.claim(kept)), []string{"DL01AA1001"})
	w.commit(begun)
	equal(w, "asks of the later one", plates(w.claim(begun)), []string{"DL01AA1002"})
}

func intakeSurvives(w *world) {
	b := w.submit(plain(), append(rows("DL01AA1000", "DL01AA1001"), invalid("X")))
	before, list := w.batch(b), w.read(b, store.RowFilter{})
	w.reopen()
	equal(w, "batch", w.batch(b), before)
	equal(w, "rows", w.read(b, store.RowFilter{}), list)
	equal(w, "asks", plates(w.claim(b)), []string{"DL01AA1000", "DL01AA1001"})
}
