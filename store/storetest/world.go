package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// provider is whom the rules ask, but for those that need another one.
const provider = "attestr"

// world is what a rule acts in: a store and a clock of its own.
type world struct {
	t     *testing.T
	ctx   context.Context
	s     store.Store
	clock *clock
	open  Open
	opts  Options
	// traits are those of the store.
	traits Traits
	// brought counts the asks that were brought to a state.
	brought int
}

func newWorld(t *testing.T, traits Traits, open Open) *world {
	t.Helper()
	c := &clock{now: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)}
	w := &world{t: t, ctx: t.Context(), clock: c, open: open, traits: traits, opts: Options{Now: c.read, Keys: store.NewKeys()}}
	w.s = w.mustOpen()
	t.Cleanup(func() {
		if err := w.s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return w
}

func (w *world) mustOpen() store.Store {
	w.t.Helper()
	s, err := w.open(w.opts)
	w.must(err, "open store")
	return s
}

// reopen is what a restart leaves of the world: what was kept.
func (w *world) reopen() {
	w.t.Helper()
	w.must(w.s.Close(), "close store")
	w.s = w.mustOpen()
}

// clock stands still until a rule moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.now = w.clock.now.Add(d)
}

func (w *world) now() time.Time { return w.clock.read() }

// in is the time at which d will have passed.
func (w *world) in(d time.Duration) time.Time { return w.now().Add(d) }

func (w *world) must(err error, doing string) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", doing, err)
	}
}

// besides is what rules about settlements leave out: one of its own holds it.
var besides = cmpopts.IgnoreFields(store.Settled{}, "Moved", "Billed")

// equal says how got differs from want. Nothing and nil are the same.
func equal[T any](w *world, what string, got, want T) {
	w.t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), besides); d != "" {
		w.t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// wantError ends the rule unless err is of type E, and returns it as such.
func wantError[E error](w *world, doing string, err error) (e E) {
	w.t.Helper()
	if !errors.As(err, &e) {
		w.t.Fatalf("%s: got error %v, want %T", doing, err, e)
	}
	return e
}

// refuses is wantError where the type says enough.
func refuses[E error](w *world, doing string, err error) {
	w.t.Helper()
	_ = wantError[E](w, doing, err)
}

// plain is a batch without wishes.
func plain() store.NewBatch { return store.NewBatch{Provider: provider, Columns: []string{"plate"}} }

// rows asks about plates, each row under the plate as the caller's own id.
func rows(plates ...string) []store.NewRow {
	list := make([]store.NewRow, len(plates))
	for i, p := range plates {
		s := providers.Subject{providers.Plate: p}
		list[i] = store.NewRow{CallerID: "id-" + p, Subject: s, Line: []string{p}, Question: store.Question{Subject: s}}
	}
	return list
}

// invalid is a row that must not be sent.
func invalid(plate string) store.NewRow {
	r := rows(plate)[0]
	r.Problem = &store.Failure{Class: store.ClassInvalidInput, Code: "plate_length", Message: "too short"}
	return r
}

func (w *world) begin(b store.NewBatch) store.BatchNo {
	w.t.Helper()
	no, err := w.s.BeginBatch(w.ctx, b)
	w.must(err, "begin batch")
	return no
}

func (w *world) add(b store.BatchNo, list []store.NewRow) store.Taken {
	w.t.Helper()
	taken, err := w.s.AddRows(w.ctx, b, store.Piece{Rows: list})
	w.must(err, "add rows")
	return taken
}

func (w *world) commit(b store.BatchNo) store.Batch {
	w.t.Helper()
	batch, err := w.s.CommitBatch(w.ctx, b, nil, time.Time{})
	w.must(err, "commit batch")
	return batch
}

// submit takes a whole list in.
func (w *world) submit(nb store.NewBatch, list []store.NewRow) store.BatchNo {
	w.t.Helper()
	b := w.begin(nb)
	w.add(b, list)
	w.commit(b)
	return b
}

// list submits a batch without wishes about plates.
func (w *world) list(plates ...string) store.BatchNo {
	w.t.Helper()
	return w.submit(plain(), rows(plates...))
}

func (w *world) batch(b store.BatchNo) store.Batch {
	w.t.Helper()
	batch, err := w.s.BatchByNo(w.ctx, b)
	w.must(err, "read batch")
	return batch
}

func (w *world) offer(b store.BatchNo, size int) []store.ChunkRef {
	w.t.Helper()
	refs, err := w.s.Offer(w.ctx, store.OfferRequest{Batch: b, Size: size, Limit: 1000})
	w.must(err, "offer chunks")
	return refs
}

// chunk returns the one chunk that the batch offers.
func (w *world) chunk(b store.BatchNo) store.ChunkRef {
	w.t.Helper()
	refs := w.offer(b, 1000)
	if len(refs) != 1 {
		w.t.Fatalf("batch %d offers %d chunks, want 1", b, len(refs))
	}
	return refs[0]
}

// worker claims where a rule is not about workers.
const worker store.WorkerID = "worker-1"

func (w *world) request(c store.ChunkID) store.ClaimRequest {
	return store.ClaimRequest{Chunk: c, Owner: worker, Scopes: []string{provider, provider + "/submit"}, Expires: w.in(90 * time.Second)}
}

// take claims what is left of a chunk, which may be nothing.
func (w *world) take(c store.ChunkID) store.Claim {
	w.t.Helper()
	got, err := w.s.Claim(w.ctx, w.request(c))
	w.must(err, "claim")
	return got
}

// takeMax claims up to n asks of a chunk.
func (w *world) takeMax(c store.ChunkID, n int) store.Claim {
	w.t.Helper()
	r := w.request(c)
	r.Max = n
	got, err := w.s.Claim(w.ctx, r)
	w.must(err, "claim")
	return got
}

// claim claims the one chunk that the batch offers.
func (w *world) claim(b store.BatchNo) store.Claim {
	w.t.Helper()
	c := w.take(w.chunk(b).ID)
	if len(c.Asks) == 0 {
		w.t.Fatalf("a claim for batch %d took nothing", b)
	}
	return c
}

// plates lists what a claim asks about, sorted.
func plates(c store.Claim) []string {
	list := make([]string, len(c.Asks))
	for i, a := range c.Asks {
		list[i] = a.Subject[providers.Plate]
	}
	slices.Sort(list)
	return list
}

// ask finds an ask of a claim by its plate.
func (w *world) ask(c store.Claim, plate string) store.AskID {
	w.t.Helper()
	for _, a := range c.Asks {
		if a.Subject[providers.Plate] == plate {
			return a.ID
		}
	}
	w.t.Fatalf("the claim holds no ask about %s, only %v", plate, plates(c))
	return 0
}

// found and the like are verdicts on one ask, as of the world's time.
func (w *world) found(a store.AskID) store.Verdict {
	return store.Verdict{Ask: a, To: store.Found, Answer: &store.Answer{At: w.now(), Result: json.RawMessage(`{"valid":true}`)}}
}

func (w *world) notFound(a store.AskID) store.Verdict {
	return store.Verdict{Ask: a, To: store.NotFound, Answer: &store.Answer{At: w.now()}}
}

func (w *world) failed(a store.AskID, class store.ErrorClass) store.Verdict {
	return store.Verdict{Ask: a, To: store.Failed, Answer: &store.Answer{
		At: w.now(), Failure: &store.Failure{Class: class, Code: "5001", Message: "as it came"},
	}}
}

func queued(a store.AskID) store.Verdict { return store.Verdict{Ask: a, To: store.Queued} }

func unknown(a store.AskID) store.Verdict { return store.Verdict{Ask: a, To: store.Unknown} }

// settle writes verdicts on asks of a call.
func (w *world) settle(c store.Claim, v ...store.Verdict) store.Settled {
	w.t.Helper()
	return w.settleAll(store.Settlement{Call: c.Call, Verdicts: v})
}

// settleRest writes one verdict on all that a call still holds.
func (w *world) settleRest(c store.Claim, v store.Verdict) store.Settled {
	w.t.Helper()
	return w.settleAll(store.Settlement{Call: c.Call, Rest: &v})
}

func (w *world) settleAll(s store.Settlement) store.Settled {
	w.t.Helper()
	got, err := w.s.Settle(w.ctx, s)
	w.must(err, "settle")
	return got
}

// read returns rows of a batch.
func (w *world) read(b store.BatchNo, f store.RowFilter) []store.Row {
	w.t.Helper()
	var list []store.Row
	err := w.s.Rows(w.ctx, b, f, func(r store.Row) error {
		list = append(list, r)
		return nil
	})
	w.must(err, "read rows")
	return list
}

func (w *world) row(b store.BatchNo, n int) store.Row {
	w.t.Helper()
	list := w.read(b, store.RowFilter{After: n - 1, Limit: 1})
	if len(list) != 1 {
		w.t.Fatalf("batch %d has no row %d", b, n)
	}
	return list[0]
}

// states holds the rows of a batch against what they should show.
func (w *world) states(b store.BatchNo, want ...store.State) {
	w.t.Helper()
	got := names(w.read(b, store.RowFilter{}))
	if d := cmp.Diff(stateNames(want), got); d != "" {
		w.t.Errorf("rows of batch %d differ (-want +got):\n%s", b, d)
	}
}

// batchState holds a batch against the state it should be in.
func (w *world) batchState(b store.BatchNo, want store.BatchState) {
	w.t.Helper()
	if got := w.batch(b).State; got != want {
		w.t.Errorf("batch %d is %s, want %s", b, got, want)
	}
}

func names(list []store.Row) []string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.State.String()
	}
	return out
}

func stateNames(list []store.State) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.String()
	}
	return out
}

// calls is how many calls the store has recorded.
func (w *world) calls() int {
	w.t.Helper()
	totals, err := w.s.Totals(w.ctx, 0)
	w.must(err, "read totals")
	return totals.Calls
}

// booksBalance ends every rule: the store finds no fault with itself, and the
// counts that it shows are those of the rows.
func (w *world) booksBalance() {
	w.t.Helper()
	report, err := w.s.Check(w.ctx)
	w.must(err, "check")
	for _, p := range report.Problems {
		w.t.Errorf("check found: %s", p)
	}
	list, err := w.s.Batches(w.ctx, store.BatchFilter{Limit: 1000})
	w.must(err, "list batches")
	for _, b := range list {
		if !b.Expired.IsZero() {
			continue // there are no rows to count
		}
		counted := store.Counts{}
		for _, r := range w.read(b.No, store.RowFilter{}) {
			counted[r.State]++
		}
		shown := store.Counts{}
		for s, n := range b.Counts {
			if n != 0 {
				shown[s] = n
			}
		}
		if d := cmp.Diff(counted, shown); d != "" {
			w.t.Errorf("counts of batch %d are not those of its rows (-rows +counts):\n%s", b.No, d)
		}
		if b.Counts.Total() != b.Rows {
			w.t.Errorf("counts of batch %d add up to %d of %d rows", b.No, b.Counts.Total(), b.Rows)
		}
	}
}
