package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

// Every rule holds when the steps of its story are done by two processes in
// turn.
func TestRulesOverTwoProcesses(t *testing.T) {
	t.Parallel()
	storetest.RunWith(t, storetest.Traits{IntakeLife: postgres.IntakeLife}, func(t *testing.T) storetest.Open {
		url := blank.Copy(t)
		return func(o storetest.Options) (store.Store, error) {
			f := &fleet{}
			for i := range f.all {
				s, err := postgres.Open(t.Context(), postgres.Options{URL: url, Keys: o.Keys, Simulated: o.Simulated, Region: o.Region, Now: o.Now, PoolSize: 6, Retention: o.Retention})
				if err != nil {
					return nil, errors.Join(err, f.Close())
				}
				f.all[i] = s
			}
			return f, nil
		}
	})
}

// fleet does each thing by the next of several stores.
type fleet struct {
	all  [2]*postgres.Store
	next atomic.Int64
}

func (f *fleet) one() store.Store { return f.all[f.next.Add(1)%int64(len(f.all))] }

func (f *fleet) ID() string { return f.one().ID() }

func (f *fleet) Close() error {
	var err error
	for _, s := range f.all {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

func (f *fleet) BeginBatch(ctx context.Context, b store.NewBatch) (store.BatchNo, error) {
	return f.one().BeginBatch(ctx, b)
}

func (f *fleet) PieceRows() int { return f.one().PieceRows() }

func (f *fleet) Prepare(ctx context.Context, b store.BatchNo, first int, rows []store.NewRow) (store.Piece, error) {
	return f.one().Prepare(ctx, b, first, rows)
}

func (f *fleet) AddRows(ctx context.Context, b store.BatchNo, p store.Piece) (store.Taken, error) {
	return f.one().AddRows(ctx, b, p)
}

func (f *fleet) CommitBatch(ctx context.Context, b store.BatchNo, identity []byte, since time.Time) (store.Batch, error) {
	return f.one().CommitBatch(ctx, b, identity, since)
}

func (f *fleet) AbandonBatch(ctx context.Context, b store.BatchNo) error {
	return f.one().AbandonBatch(ctx, b)
}

func (f *fleet) AbandonIntakes(ctx context.Context) (int, error) { return f.one().AbandonIntakes(ctx) }

func (f *fleet) Expire(ctx context.Context) (store.Expired, error) { return f.one().Expire(ctx) }

func (f *fleet) Retry(ctx context.Context, r store.RetryRequest) (store.Retried, error) {
	return f.one().Retry(ctx, r)
}

func (f *fleet) Resend(ctx context.Context, id store.CallID, d store.Decision) (store.Taken, error) {
	return f.one().Resend(ctx, id, d)
}

func (f *fleet) GiveUp(ctx context.Context, id store.CallID, d store.Decision) (int, error) {
	return f.one().GiveUp(ctx, id, d)
}

func (f *fleet) Adopt(ctx context.Context, id store.CallID, row store.RowID, n store.NewTicket, d store.Decision) (int, error) {
	return f.one().Adopt(ctx, id, row, n, d)
}

func (f *fleet) Budgets(ctx context.Context, r store.BudgetsRequest) ([]store.BudgetUse, error) {
	return f.one().Budgets(ctx, r)
}

func (f *fleet) SetBudget(ctx context.Context, b store.Budget, by string) error {
	return f.one().SetBudget(ctx, b, by)
}

func (f *fleet) UnsetBudget(ctx context.Context, s store.BudgetScope) error {
	return f.one().UnsetBudget(ctx, s)
}

func (f *fleet) PauseUnfunded(ctx context.Context, e *store.BudgetError, d store.BudgetDefaults) (bool, error) {
	return f.one().PauseUnfunded(ctx, e, d)
}

func (f *fleet) ResumeFunded(ctx context.Context, d store.BudgetDefaults, prices map[string]store.Price) ([]store.BatchNo, error) {
	return f.one().ResumeFunded(ctx, d, prices)
}

func (f *fleet) CommitOnce(ctx context.Context, b store.BatchNo, o store.Once) (store.Batch, error) {
	return f.one().CommitOnce(ctx, b, o)
}

func (f *fleet) BeginOnce(ctx context.Context, o store.Once, made string) (time.Time, error) {
	return f.one().BeginOnce(ctx, o, made)
}

func (f *fleet) Repeated(ctx context.Context, o store.Once) error {
	return f.one().Repeated(ctx, o)
}

func (f *fleet) ForgetOnce(ctx context.Context) (int, error) { return f.one().ForgetOnce(ctx) }
func (f *fleet) AddSchedule(ctx context.Context, r store.Schedule, o *store.Once) error {
	return f.one().AddSchedule(ctx, r, o)
}

func (f *fleet) Schedule(ctx context.Context, id string) (store.Schedule, error) {
	return f.one().Schedule(ctx, id)
}

func (f *fleet) Schedules(ctx context.Context, tenant string) ([]store.Schedule, error) {
	return f.one().Schedules(ctx, tenant)
}

func (f *fleet) ScheduleRuns(ctx context.Context, id string, limit int) ([]store.ScheduleRun, error) {
	return f.one().ScheduleRuns(ctx, id, limit)
}

func (f *fleet) PauseSchedule(ctx context.Context, id string) error {
	return f.one().PauseSchedule(ctx, id)
}

func (f *fleet) ResumeSchedule(ctx context.Context, id string, next time.Time) error {
	return f.one().ResumeSchedule(ctx, id, next)
}

func (f *fleet) RunSchedule(ctx context.Context, id string, o *store.Once) error {
	return f.one().RunSchedule(ctx, id, o)
}

func (f *fleet) RemoveSchedule(ctx context.Context, id string) error {
	return f.one().RemoveSchedule(ctx, id)
}

func (f *fleet) DueSchedules(ctx context.Context) ([]string, error) {
	return f.one().DueSchedules(ctx)
}

func (f *fleet) ClaimSchedule(ctx context.Context, id string, until time.Time) (store.DueSchedule, error) {
	return f.one().ClaimSchedule(ctx, id, until)
}

func (f *fleet) SettleSchedule(ctx context.Context, r store.ScheduleSettlement) (bool, error) {
	return f.one().SettleSchedule(ctx, r)
}

func (f *fleet) AddAPIKey(ctx context.Context, k store.APIKey, o *store.Once) error {
	return f.one().AddAPIKey(ctx, k, o)
}

func (f *fleet) APIKey(ctx context.Context, id string) (store.APIKey, error) {
	return f.one().APIKey(ctx, id)
}

func (f *fleet) APIKeys(ctx context.Context, tenant string) ([]store.APIKey, error) {
	return f.one().APIKeys(ctx, tenant)
}

func (f *fleet) RevokeAPIKey(ctx context.Context, id string) error {
	return f.one().RevokeAPIKey(ctx, id)
}

func (f *fleet) UsedAPIKeys(ctx context.Context, at map[string]time.Time) error {
	return f.one().UsedAPIKeys(ctx, at)
}

func (f *fleet) AddHook(ctx context.Context, n store.NewHook, o *store.Once) (store.Hook, error) {
	return f.one().AddHook(ctx, n, o)
}

func (f *fleet) Hooks(ctx context.Context, tenant string) ([]store.Hook, error) {
	return f.one().Hooks(ctx, tenant)
}

func (f *fleet) RotateHook(ctx context.Context, r store.Rotation) error {
	return f.one().RotateHook(ctx, r)
}

func (f *fleet) RemoveHook(ctx context.Context, tenant, id string) error {
	return f.one().RemoveHook(ctx, tenant, id)
}

func (f *fleet) TellProgress(ctx context.Context) (int, error) { return f.one().TellProgress(ctx) }

func (f *fleet) ClaimDeliveries(ctx context.Context, r store.DeliveryClaim) ([]store.OpenDelivery, error) {
	return f.one().ClaimDeliveries(ctx, r)
}

func (f *fleet) SettleDelivery(ctx context.Context, r store.DeliveryResult) (bool, error) {
	return f.one().SettleDelivery(ctx, r)
}

func (f *fleet) Deliveries(ctx context.Context, d store.DeliveryFilter) ([]store.Delivery, error) {
	return f.one().Deliveries(ctx, d)
}

func (f *fleet) Replay(ctx context.Context, tenant, id string) (store.Delivery, error) {
	return f.one().Replay(ctx, tenant, id)
}

func (f *fleet) TidyOutbox(ctx context.Context) (int, error) { return f.one().TidyOutbox(ctx) }

func (f *fleet) History(ctx context.Context, h store.HistoryFilter) ([]store.Entry, error) {
	return f.one().History(ctx, h)
}

func (f *fleet) AddCounts(ctx context.Context, all []store.Count) error {
	return f.one().AddCounts(ctx, all)
}

func (f *fleet) Series(ctx context.Context, s store.SeriesFilter) ([]store.Count, error) {
	return f.one().Series(ctx, s)
}

func (f *fleet) TidyHistory(ctx context.Context) (int, error) { return f.one().TidyHistory(ctx) }

func (f *fleet) Causes(ctx context.Context, b store.BatchNo) ([]store.Cause, error) {
	return f.one().Causes(ctx, b)
}

func (f *fleet) Unknowns(ctx context.Context, u store.UnknownFilter) ([]store.UnknownCall, error) {
	return f.one().Unknowns(ctx, u)
}

func (f *fleet) Decisions(ctx context.Context, tenant string, limit int) ([]store.Decided, error) {
	return f.one().Decisions(ctx, tenant, limit)
}

func (f *fleet) Turns(ctx context.Context, provider string) ([]store.Turn, error) {
	return f.one().Turns(ctx, provider)
}

func (f *fleet) Offer(ctx context.Context, r store.OfferRequest) ([]store.ChunkRef, error) {
	return f.one().Offer(ctx, r)
}

func (f *fleet) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	return f.one().Claim(ctx, r)
}

func (f *fleet) Settle(ctx context.Context, r store.Settlement) (store.Settled, error) {
	return f.one().Settle(ctx, r)
}

func (f *fleet) FreeTickets(ctx context.Context) (int, error) { return f.one().FreeTickets(ctx) }

func (f *fleet) StaleCalls(ctx context.Context, limit int) ([]store.StaleCall, error) {
	return f.one().StaleCalls(ctx, limit)
}

func (f *fleet) DueTickets(ctx context.Context, provider string, limit int) ([]store.TicketRef, error) {
	return f.one().DueTickets(ctx, provider, limit)
}

func (f *fleet) NextDue(ctx context.Context, provider string, then time.Time) (time.Time, error) {
	return f.one().NextDue(ctx, provider, then)
}

func (f *fleet) ClaimTicket(ctx context.Context, r store.TicketClaim) (store.OpenTicket, error) {
	return f.one().ClaimTicket(ctx, r)
}

func (f *fleet) SettleTicket(ctx context.Context, r store.TicketSettlement) (store.Settled, error) {
	return f.one().SettleTicket(ctx, r)
}

func (f *fleet) PollNow(ctx context.Context, b store.BatchNo) (int, error) {
	return f.one().PollNow(ctx, b)
}

func (f *fleet) Hint(ctx context.Context, r store.HintRequest) (store.Hinted, error) {
	return f.one().Hint(ctx, r)
}

func (f *fleet) DropOrphans(ctx context.Context) (int, error) { return f.one().DropOrphans(ctx) }

func (f *fleet) Orphans(ctx context.Context) ([]store.Orphan, error) { return f.one().Orphans(ctx) }

func (f *fleet) Finish(ctx context.Context) ([]store.BatchNo, error) { return f.one().Finish(ctx) }

func (f *fleet) Pause(ctx context.Context, b store.BatchNo, reason string) error {
	return f.one().Pause(ctx, b, reason)
}

func (f *fleet) Resume(ctx context.Context, b store.BatchNo) error { return f.one().Resume(ctx, b) }

func (f *fleet) Cancel(ctx context.Context, b store.BatchNo, reason string) error {
	return f.one().Cancel(ctx, b, reason)
}

func (f *fleet) Batch(ctx context.Context, id string) (store.Batch, error) {
	return f.one().Batch(ctx, id)
}

func (f *fleet) BatchByNo(ctx context.Context, b store.BatchNo) (store.Batch, error) {
	return f.one().BatchByNo(ctx, b)
}

func (f *fleet) FindBatch(ctx context.Context, identity []byte) (store.Batch, error) {
	return f.one().FindBatch(ctx, identity)
}

func (f *fleet) Batches(ctx context.Context, b store.BatchFilter) ([]store.Batch, error) {
	return f.one().Batches(ctx, b)
}

func (f *fleet) Estimate(ctx context.Context, r store.EstimateRequest) (store.Estimate, error) {
	return f.one().Estimate(ctx, r)
}

func (f *fleet) Ledger(ctx context.Context, l store.LedgerFilter) ([]store.LedgerLine, error) {
	return f.one().Ledger(ctx, l)
}

func (f *fleet) LedgerTotals(ctx context.Context, l store.LedgerFilter, by store.LedgerGroup) ([]store.LedgerTotal, error) {
	return f.one().LedgerTotals(ctx, l, by)
}

func (f *fleet) Rows(ctx context.Context, b store.BatchNo, r store.RowFilter, yield func(store.Row) error) error {
	return f.one().Rows(ctx, b, r, yield)
}

func (f *fleet) Totals(ctx context.Context, b store.BatchNo) (store.Totals, error) {
	return f.one().Totals(ctx, b)
}

func (f *fleet) Readings(ctx context.Context) ([]store.Reading, error) {
	return f.one().Readings(ctx)
}
func (f *fleet) Behind(ctx context.Context, b store.BatchNo) ([]string, error) {
	return f.one().Behind(ctx, b)
}

func (f *fleet) Backlogs(ctx context.Context) ([]store.Backlog, error) {
	return f.one().Backlogs(ctx)
}

func (f *fleet) Vanished(ctx context.Context) (int, error) { return f.one().Vanished(ctx) }

func (f *fleet) LastCall(ctx context.Context) (written, given store.CallID, err error) {
	return f.one().LastCall(ctx)
}

func (f *fleet) Gates(ctx context.Context) ([]store.Gate, error) { return f.one().Gates(ctx) }

func (f *fleet) SetGates(ctx context.Context, c store.GateChanges) ([]store.GateEvent, error) {
	return f.one().SetGates(ctx, c)
}

func (f *fleet) Pulse(ctx context.Context) (time.Time, error) { return f.one().Pulse(ctx) }

func (f *fleet) Beat(ctx context.Context, w store.WorkerID) error { return f.one().Beat(ctx, w) }

func (f *fleet) Retire(ctx context.Context, w store.WorkerID) error { return f.one().Retire(ctx, w) }

func (f *fleet) Check(ctx context.Context) (store.Report, error) { return f.one().Check(ctx) }

// Two processes that work one list, one of them cancelling others beside it,
// take every ask once and end with books that balance.
func TestTwoProcessesShareNoAsk(t *testing.T) {
	t.Parallel()
	o := postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()}
	stores := []*postgres.Store{open(t, o), open(t, o)}
	const n = 4000
	no := storetest.List(t, stores[0], n)
	var mu sync.Mutex
	taken := map[store.AskID]int{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := stores[i%2]
			for {
				asks, more := claimSome(t, s, no)
				mu.Lock()
				for _, a := range asks {
					taken[a]++
				}
				mu.Unlock()
				if !more {
					return
				}
			}
		})
	}
	for range 3 { // these join asks of the list, and leave them again
		wg.Go(func() {
			other, err := stores[1].BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
			if err == nil {
				_, err = stores[1].AddRows(t.Context(), other, store.Piece{Rows: storetest.Plates(n/2, n+500)})
			}
			if err == nil {
				_, err = stores[0].CommitBatch(t.Context(), other, nil, time.Time{})
			}
			if err == nil {
				err = stores[1].Cancel(t.Context(), other, "wrong file")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for a, times := range taken {
		if times != 1 {
			t.Errorf("%s was taken %d times", a.Name(), times)
		}
	}
	if b, err := stores[1].BatchByNo(t.Context(), no); err != nil || b.State != store.BatchDone || b.Counts[store.Found] != n {
		t.Errorf("the list is %s with %v, %v", b.State, b.Counts, err)
	}
	if got := storetest.Problems(t, stores[0]); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
}

// claimSome claims and settles what is offered now. It reports false when the
// list is done.
func claimSome(t *testing.T, s *postgres.Store, no store.BatchNo) (asks []store.AskID, more bool) {
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 50, Limit: 4})
	if err != nil {
		t.Errorf("offer: %v", err)
		return nil, false
	}
	for _, ref := range refs {
		c, err := s.Claim(t.Context(), store.ClaimRequest{Chunk: ref.ID, Owner: "w", Max: 30, Expires: time.Now().Add(time.Minute)})
		if err != nil {
			t.Errorf("claim: %v", err)
			return nil, false
		}
		for _, a := range c.Asks {
			asks = append(asks, a.ID)
		}
		if len(c.Asks) == 0 {
			continue
		}
		_, err = s.Settle(t.Context(), store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Found}})
		if err != nil {
			t.Errorf("settle: %v", err)
			return nil, false
		}
	}
	b, err := s.BatchByNo(t.Context(), no)
	return asks, err == nil && b.State == store.BatchRunning
}

// Signs of life are told by the server's clock, however wrong those of the
// processes are.
func TestLifeIsToldByTheServersClock(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
	no := storetest.List(t, s, 1)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 1, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	if err := s.Beat(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	stale := func() int {
		calls, err := s.StaleCalls(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(calls)
	}
	if n := stale(); n != 0 {
		t.Errorf("%d calls of a worker that beats are to be judged", n)
	}
	if err := s.Exec(t.Context(), "UPDATE workers SET beat_at = beat_at - 61000"); err != nil {
		t.Fatal(err)
	}
	if n := stale(); n != 1 {
		t.Errorf("%d calls of a worker that was silent for a minute are to be judged, want 1", n)
	}
}
