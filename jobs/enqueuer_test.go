package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// acme is a provider that is never asked: the tests here end at the bell.
type acme struct{ batch int }

func (a acme) Spec() providers.Spec {
	return providers.Spec{
		Name: "acme", MaxBatch: a.batch, Timeout: time.Second, Results: []string{"x"},
		Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate},
		Endpoints: providers.Endpoints{Submit: "submit"},
	}
}

func (acme) Submit(context.Context, []providers.Request) ([]providers.Outcome, error) {
	panic("nobody submits here")
}

// bell is an enqueuer over a real Redis and a store of its own.
type bell struct {
	*jobs.Enqueuer
	t         *testing.T
	store     store.Store
	redis     *redis.Client
	inspector *asynq.Inspector
	now       time.Time
}

func newBell(t *testing.T, limits jobs.Limits) *bell {
	t.Helper()
	b := &bell{t: t, redis: redistest.Start(t).Client(), now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: t.TempDir() + "/plateq.db", Keys: store.NewKeys(), Now: func() time.Time { return b.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	set, err := providers.NewSet(acme{100})
	if err != nil {
		t.Fatal(err)
	}
	b.store, b.inspector = st, asynq.NewInspectorFromRedisClient(b.redis)
	b.Enqueuer = jobs.NewEnqueuer(jobs.EnqueuerOptions{
		Store: st, Providers: set, Limits: map[string]jobs.Limits{"acme": limits}, Redis: b.redis,
		Log: zerolog.Nop(), Now: func() time.Time { return b.now },
	})
	return b
}

// list stores a running batch of n rows.
func (b *bell) list(name string, n int, weight float64) store.BatchNo {
	b.t.Helper()
	no, err := b.store.BeginBatch(b.t.Context(), store.NewBatch{Provider: "acme", Name: name, Weight: weight})
	if err != nil {
		b.t.Fatal(err)
	}
	rows := make([]store.NewRow, n)
	for i := range rows {
		s := providers.Subject{providers.Plate: fmt.Sprintf("%s%05d", name, i)}
		rows[i] = store.NewRow{Subject: s, Question: store.Question{Subject: s}}
	}
	if _, err := b.store.AddRows(b.t.Context(), no, store.Piece{Rows: rows}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.store.CommitBatch(b.t.Context(), no, nil, time.Time{}); err != nil {
		b.t.Fatal(err)
	}
	return no
}

func (b *bell) fill() int {
	b.t.Helper()
	n, err := b.Fill(b.t.Context(), "acme")
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bell) pending() []*asynq.TaskInfo {
	b.t.Helper()
	tasks, err := b.inspector.ListPendingTasks("acme", asynq.PageSize(1000))
	if err != nil {
		b.t.Fatal(err)
	}
	return tasks
}

func TestTheWindowStaysSmallHoweverLongTheList(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	b.list("A", 10_000, 1)
	if n := b.fill(); n != 4 {
		t.Errorf("rang for %d chunks, want calls for twice the concurrency: 4", n)
	}
	if n := b.fill(); n != 0 || len(b.pending()) != 4 {
		t.Errorf("rang for %d more, %d tasks hang; want 0 and 4", n, len(b.pending()))
	}
}

// TestTheWindowGrowsWithTheTurnover: without a pace as many chunks are rung for
// as are worked off in two seconds, however often somebody looks.
func TestTheWindowGrowsWithTheTurnover(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: jobs.Unlimited, Concurrency: 2})
	b.list("A", 10_000, 1)
	const quarter = 250 * time.Millisecond
	for i, look := range []struct {
		after time.Duration
		done  bool // all that hung was worked off
		want  int
	}{{0, false, 4}, {quarter, false, 0}, {quarter, true, 8}, {0, false, 0}, {quarter / 10, false, 0}, {quarter, true, 16}} {
		b.now = b.now.Add(look.after)
		if look.done {
			if _, err := b.inspector.DeleteAllPendingTasks("acme"); err != nil {
				t.Fatal(err)
			}
		}
		if n := b.fill(); n != look.want {
			t.Fatalf("look %d: rang for %d chunks, want %d", i, n, look.want)
		}
	}
}

func TestTasksHoldNumbersOnly(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	b.list("SECRETPLATE", 200, 1)
	b.fill()
	for _, task := range b.pending() {
		if got := strings.NewReplacer(`"chunk":`, "", `"n":`, "").Replace(string(task.Payload)); strings.Trim(got, "{,}0123456789") != "" {
			t.Errorf("payload %q", task.Payload)
		}
	}
}

func TestBatchesTakeTurnsByWeight(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 8, Concurrency: 1}) // two seconds' work: 16 calls
	light, heavy := b.list("L", 5000, 1), b.list("H", 5000, 3)
	if n := b.fill(); n != 16 {
		t.Fatalf("rang for %d, want 16", n)
	}
	by := map[store.BatchNo]int{}
	for _, task := range b.pending() {
		var id int64
		if _, err := fmt.Sscanf(string(task.Payload), `{"chunk":%d,`, &id); err != nil {
			t.Fatal(err)
		}
		by[store.AskID(id).Home()]++
	}
	if by[light] != 4 || by[heavy] != 12 {
		t.Errorf("%d and %d, want 4 and 12", by[light], by[heavy])
	}
}

func TestAShortListDoesNotWaitBehindALongOne(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	b.list("LONG", 10_000, 1)
	b.fill()
	if err := b.inspector.DeleteQueue("acme", true); err != nil { // as if worked off
		t.Fatal(err)
	}
	short := b.list("S", 20, 1)
	b.now = b.now.Add(time.Second)
	b.fill()
	for _, task := range b.pending() {
		if strings.Contains(string(task.Payload), fmt.Sprint(int64(store.NewAskID(short, 0)))) {
			return
		}
	}
	t.Error("the short list was not rung for in its turn")
}

func TestALostRedisIsRungForAgain(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	b.list("A", 300, 1)
	b.fill()
	if err := b.redis.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(3 * time.Second)
	if n := b.fill(); n != 3 {
		t.Errorf("rang for %d, want all 3 again", n)
	}
	queues, err := b.inspector.Queues()
	if err != nil || len(queues) != 1 {
		t.Errorf("queues %v, %v: the queue is not on the list any more", queues, err)
	}
}

func TestATaskThatWasArchivedIsHungAnew(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	b.list("A", 100, 1)
	b.fill()
	if _, err := b.inspector.ArchiveAllPendingTasks("acme"); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Minute)
	if n := b.fill(); n != 1 || len(b.pending()) != 1 {
		t.Errorf("rang for %d, %d hang; want 1 and 1", n, len(b.pending()))
	}
}

func TestAClosedGateRingsForNothing(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	b.list("A", 1000, 1)
	_, err := b.store.SetGates(t.Context(), store.GateChanges{Close: []store.GateClose{
		{Scope: "acme", Class: providers.RateLimited, By: "policy", Until: b.now.Add(time.Minute)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n := b.fill(); n != 0 {
		t.Errorf("rang for %d behind a closed gate", n)
	}
	b.now = b.now.Add(2 * time.Minute)
	if n := b.fill(); n != 4 {
		t.Errorf("rang for %d after its time, want 4", n)
	}
}

func TestWantOfCreditDoesNotHoldPollsBack(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	spec := providers.Spec{Name: "acme", Endpoints: providers.Endpoints{Submit: "submit", Poll: "items"}}
	for _, c := range []struct {
		class providers.Class
		shut  bool
	}{{providers.OutOfCredit, false}, {providers.Unauthorised, true}} {
		if _, err := b.store.SetGates(t.Context(), store.GateChanges{Open: []string{"acme"}}); err != nil {
			t.Fatal(err)
		}
		_, err := b.store.SetGates(t.Context(), store.GateChanges{Close: []store.GateClose{
			{Scope: "acme", Class: c.class, By: "policy", Probe: true, Until: b.now.Add(time.Hour)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		gates := jobs.NewGates(b.store, func() time.Time { return b.now })
		if _, shut := gates.Closed(t.Context(), gates.PollScopes(t.Context(), spec)...); shut != c.shut {
			t.Errorf("%s: polls shut %t, want %t", c.class, shut, c.shut)
		}
	}
}

// A task whose worker never learned of it, as when Redis answered too late,
// takes no room in the window, and its chunk is rung for under another name.
func TestATaskThatNobodyHoldsIsRungForAgain(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 1})
	b.list("A", 10_000, 1)
	if n := b.fill(); n != 2 {
		t.Fatalf("rang for %d chunks, want 2", n)
	}
	for _, task := range b.pending() {
		b.take(task.ID, time.Now().Add(-time.Second))
	}
	if n := b.fill(); n != 2 {
		t.Fatalf("rang for %d chunks while nobody works, want 2 others", n)
	}
	for _, task := range b.pending() {
		b.take(task.ID, time.Now().Add(time.Minute))
	}
	if n := b.fill(); n != 0 {
		t.Fatalf("rang for %d chunks while two are worked on, want none", n)
	}
	b.redis.Del(t.Context(), "asynq:{acme}:lease")
	b.now = b.now.Add(time.Minute)
	if n, pending := b.fill(), b.pending(); n != 2 || len(pending) != 2 {
		t.Errorf("rang for %d chunks, %d tasks can be taken; want 2 that nobody holds any more", n, len(pending))
	}
}

// take makes a task active, as a worker's taking it does, until its lease ends.
func (b *bell) take(id string, until time.Time) {
	b.t.Helper()
	ctx := b.t.Context()
	err := errors.Join(
		b.redis.LRem(ctx, "asynq:{acme}:pending", 1, id).Err(),
		b.redis.LPush(ctx, "asynq:{acme}:active", id).Err(),
		b.redis.HSet(ctx, "asynq:{acme}:t:"+id, "state", "active").Err(),
		b.redis.ZAdd(ctx, "asynq:{acme}:lease", redis.Z{Score: float64(until.Unix()), Member: id}).Err(),
	)
	if err != nil {
		b.t.Fatal(err)
	}
}

// A list that comes while the window is full of another's gets a first chunk
// at once, and not a second one before its turn.
func TestANewListGetsItsFirstChunkThoughTheWindowIsFull(t *testing.T) {
	t.Parallel()
	b := newBell(t, jobs.Limits{Rate: 1, Concurrency: 2})
	b.list("LONG", 10_000, 1)
	window := b.fill()
	b.list("SHORT", 300, 1)
	if n := b.fill(); n != 1 {
		t.Errorf("rang for %d chunks of the short list, want 1", n)
	}
	if n := b.fill(); n != 0 || len(b.pending()) != window+1 {
		t.Errorf("rang for %d more, %d tasks hang; want 0 and %d", n, len(b.pending()), window+1)
	}
	for i := range 3 * window { // what lists get beyond the window has a bound
		b.list(fmt.Sprintf("L%d-", i), 1, 1)
	}
	b.fill()
	if n := len(b.pending()); n != 2*window {
		t.Errorf("%d tasks hang, want twice the window: %d", n, 2*window)
	}
}
