package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// header is what work needs to know of a batch.
type header struct {
	no                   store.BatchNo
	id, tenant, provider string
	state                store.BatchState
	keepRaw              bool
	reuse                store.Reuse
	rows, asks, cut      int
	renewals             int
	shared               store.Shared
	created              time.Time
	heldBy               string
	kept                 time.Duration
	expired              time.Time // when its rows went; zero: they are there
	traceparent          string
}

// header returns the batch, or ErrNoBatch.
func (c conn) header(no store.BatchNo) (*header, error) {
	h, err := c.anyHeader(no)
	if err == nil && h.state == store.BatchAbandoned {
		return nil, store.ErrNoBatch
	}
	return h, err
}

// anyHeader is header for those who follow asks to their home, which may have
// been abandoned.
func (c conn) anyHeader(no store.BatchNo) (*header, error) {
	h := &header{no: no}
	found, err := c.one(`SELECT id, tenant, provider, state, keep_raw, fresh, fresh_ms, none_ms, resend, rows, asks, cut,
		renewals, created_at, known, joined, doubles, held_by, keep_ms, expired_at, traceparent FROM batches WHERE no = ?`, func(stmt *sqlite.Stmt) {
		h.id, h.tenant, h.provider = stmt.ColumnText(0), stmt.ColumnText(1), stmt.ColumnText(2)
		h.state = store.BatchState(stmt.ColumnText(3))
		h.keepRaw = stmt.ColumnBool(4)
		h.reuse = store.Reuse{
			Fresh: stmt.ColumnBool(5), FreshFor: columnDuration(stmt, 6),
			FreshNotFoundFor: columnDuration(stmt, 7), ResendUnknown: stmt.ColumnBool(8),
		}
		h.rows, h.asks, h.cut = stmt.ColumnInt(9), stmt.ColumnInt(10), stmt.ColumnInt(11)
		h.renewals, h.created = stmt.ColumnInt(12), columnTime(stmt, 13)
		h.shared = store.Shared{Known: stmt.ColumnInt(14), Joined: stmt.ColumnInt(15), Duplicates: stmt.ColumnInt(16)}
		h.heldBy = stmt.ColumnText(17)
		h.kept, h.expired = columnDuration(stmt, 18), columnTime(stmt, 19)
		h.traceparent = stmt.ColumnText(20)
	}, no)
	if err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	if !found {
		return nil, store.ErrNoBatch
	}
	return h, nil
}

// trace returns under which request the batch was taken in.
func (h *header) trace() store.Trace { return store.Trace{Parent: h.traceparent, Rows: h.rows} }

// expiry returns *store.ExpiredError where the batch has no rows any more.
func (h *header) expiry() error {
	return store.Batch{ID: h.id, Expired: h.expired, Kept: h.kept}.Expiry()
}

// withRows returns the batch, ErrNoBatch, or *store.ExpiredError.
func (c conn) withRows(no store.BatchNo) (*header, error) {
	h, err := c.header(no)
	if err == nil {
		err = h.expiry()
	}
	return h, err
}

// in returns the batch if it is in one of the states, else *store.StateError
// about what was wanted.
func (c conn) in(no store.BatchNo, want string, states ...store.BatchState) (*header, error) {
	h, err := c.header(no)
	if err != nil {
		return nil, err
	}
	if slices.Contains(states, h.state) {
		return h, h.expiry()
	}
	return nil, &store.StateError{Batch: h.id, State: h.state, Want: want}
}

// BeginBatch implements store.Intake.
func (s *Store) BeginBatch(ctx context.Context, b store.NewBatch) (store.BatchNo, error) {
	if b.Tenant == "" {
		b.Tenant = store.DefaultTenant
	}
	if b.Weight == 0 {
		b.Weight = 1
	}
	id := "b_" + strings.ToLower(rand.Text()[:20]) // 100 bits
	return write(ctx, s, func(t *tx) (store.BatchNo, error) {
		err := t.exec(`INSERT INTO batches (id, tenant, provider, state, weight, keep_raw, fresh, fresh_ms, none_ms, resend, created_at, keep_ms, traceparent, meta)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'')`,
			id, b.Tenant, b.Provider, store.BatchIntake, b.Weight, b.KeepRaw, b.Reuse.Fresh, b.Reuse.FreshFor,
			b.Reuse.FreshNotFoundFor, b.Reuse.ResendUnknown, t.now, b.Kept, b.Traceparent)
		if err != nil {
			return 0, fmt.Errorf("begin batch: %w", err)
		}
		no := store.BatchNo(t.LastInsertRowID()) //nolint:gosec // numbers count from 1, far below 2³¹
		meta, err := s.sealer.SealMeta(no, b)
		if err != nil {
			return 0, err
		}
		if err := t.exec("UPDATE batches SET meta = ? WHERE no = ?", meta, no); err != nil {
			return 0, fmt.Errorf("begin batch: %w", err)
		}
		if b.MaxCost != nil {
			err = t.setBudget(store.Budget{BudgetScope: store.BatchBudget(id), Limit: *b.MaxCost}, store.ByMaxCost)
		}
		if err == nil && b.Callback != "" {
			err = t.callBack(no, b)
		}
		return no, err
	})
}

// CommitBatch implements store.Intake.
func (s *Store) CommitBatch(ctx context.Context, no store.BatchNo, identity []byte, since time.Time) (store.Batch, error) {
	b, err := s.commit(ctx, no, identity, func(t *tx, _ *header) error { return t.refuseTwin(identity, since) })
	if twin, ok := errors.AsType[*store.IdentityError](err); ok {
		return twin.Batch, err
	}
	return b, err
}

// commit commits a batch that is not refused.
func (s *Store) commit(ctx context.Context, no store.BatchNo, identity []byte, refuse func(*tx, *header) error) (store.Batch, error) {
	b, err := write(ctx, s, func(t *tx) (store.Batch, error) {
		h, err := t.in(no, "commit", store.BatchIntake)
		if err != nil {
			return store.Batch{}, err
		}
		if err := refuse(t, h); err != nil {
			return store.Batch{}, err
		}
		err = t.exec("UPDATE batches SET state = ?, identity = ? WHERE no = ?", store.BatchRunning, optional(s.sealer.IdentityKey(identity)), no)
		if err != nil {
			return store.Batch{}, fmt.Errorf("commit batch: %w", err)
		}
		if err := t.note(store.Entry{What: store.EntryAccepted, Batch: no}); err != nil {
			return store.Batch{}, err
		}
		if _, err := t.finish(no); err != nil {
			return store.Batch{}, err
		}
		return t.batch(s, "no = ?", no)
	})
	if err == nil {
		s.intakes.forget(no)
	}
	return b, err
}

// refuseTwin returns *store.IdentityError where the same work is under way or
// was done after since.
func (t *tx) refuseTwin(identity []byte, since time.Time) error {
	if identity == nil {
		return nil
	}
	b, err := t.batch(t.s, `identity = ? AND (state IN ('running', 'paused') OR state = 'done' AND done_at > ?)
		ORDER BY no DESC LIMIT 1`, t.s.sealer.IdentityKey(identity), since)
	if errors.Is(err, store.ErrNoBatch) {
		return nil
	}
	if err != nil {
		return err
	}
	return &store.IdentityError{Batch: b}
}

// Batch implements store.Reader.
func (s *Store) Batch(ctx context.Context, id string) (store.Batch, error) {
	return read(ctx, s, func(c conn) (store.Batch, error) { return c.batch(s, "id = ?", id) })
}

// BatchByNo implements store.Reader.
func (s *Store) BatchByNo(ctx context.Context, no store.BatchNo) (store.Batch, error) {
	return read(ctx, s, func(c conn) (store.Batch, error) { return c.batch(s, "no = ?", no) })
}

// FindBatch implements store.Reader.
func (s *Store) FindBatch(ctx context.Context, identity []byte) (store.Batch, error) {
	return read(ctx, s, func(c conn) (store.Batch, error) {
		return c.batch(s, "identity = ? ORDER BY no DESC LIMIT 1", s.sealer.IdentityKey(identity))
	})
}

// Batches implements store.Reader.
func (s *Store) Batches(ctx context.Context, f store.BatchFilter) ([]store.Batch, error) {
	where, args := []string{"true"}, []any{}
	add := func(clause string, values ...any) {
		where = append(where, clause)
		args = append(args, values...)
	}
	if f.Tenant != "" {
		add("tenant = ?", f.Tenant)
	}
	if f.Provider != "" {
		add("provider = ?", f.Provider)
	}
	if len(f.States) > 0 {
		states := make([]any, len(f.States))
		for i, state := range f.States {
			states[i] = state
		}
		add("state IN (?"+strings.Repeat(", ?", len(states)-1)+")", states...)
	}
	if !f.From.IsZero() {
		add("created_at >= ?", f.From)
	}
	if !f.To.IsZero() {
		add("created_at < ?", f.To)
	}
	if f.Before > 0 {
		add("no < ?", f.Before)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	args = append(args, f.Limit)
	return read(ctx, s, func(c conn) ([]store.Batch, error) {
		return c.batches(s, strings.Join(where, " AND ")+" ORDER BY no DESC LIMIT ?", args...)
	})
}

// batch returns the first batch that fits, or ErrNoBatch.
func (c conn) batch(s *Store, where string, args ...any) (store.Batch, error) {
	all, err := c.batches(s, where, args...)
	if err != nil {
		return store.Batch{}, err
	}
	if len(all) == 0 {
		return store.Batch{}, store.ErrNoBatch
	}
	return all[0], nil
}

func (c conn) batches(s *Store, where string, args ...any) ([]store.Batch, error) {
	var all []store.Batch
	err := c.each(`SELECT no, id, tenant, provider, weight, keep_raw, state, reason, rows, asks, created_at, done_at, meta,
		known, joined, doubles, held_by, ended_at, keep_ms, expired_at FROM batches WHERE state <> 'abandoned' AND `+where, func(stmt *sqlite.Stmt) error {
		b := store.Batch{
			No: columnBatch(stmt, 0), ID: stmt.ColumnText(1), Tenant: stmt.ColumnText(2), Provider: stmt.ColumnText(3),
			Weight: stmt.ColumnFloat(4), KeepRaw: stmt.ColumnBool(5), State: store.BatchState(stmt.ColumnText(6)),
			Reason: stmt.ColumnText(7), Rows: stmt.ColumnInt(8), Asks: stmt.ColumnInt(9),
			Created: columnTime(stmt, 10), Done: columnTime(stmt, 11),
			Shared: store.Shared{Known: stmt.ColumnInt(13), Joined: stmt.ColumnInt(14), Duplicates: stmt.ColumnInt(15)},
		}
		b.Ended, b.OwnKept, b.Expired = columnTime(stmt, 17), columnDuration(stmt, 18), columnTime(stmt, 19)
		if b.Kept = b.OwnKept; b.Kept == 0 {
			b.Kept = s.retention
		}
		b.HeldBy, _ = store.ParseBudgetScope(stmt.ColumnText(16)) // zero where none holds it
		err := s.sealer.OpenMeta(columnBytes(stmt, 12), &b)
		all = append(all, b)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	for i := range all {
		b := &all[i]
		if b.Counts, err = c.counts(b.No); err != nil {
			return nil, err
		}
		if b.Costs, err = c.costs(b.No); err != nil {
			return nil, err
		}
		if b.Unasked, err = c.unasked(b.No); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// counts returns the rows of a batch by state, as the tallies have them.
func (c conn) counts(no store.BatchNo) (store.Counts, error) {
	counts := store.Counts{}
	err := c.each("SELECT state, n FROM tallies WHERE batch = ? AND n <> 0", func(stmt *sqlite.Stmt) error {
		counts[store.State(stmt.ColumnInt(0))] = stmt.ColumnInt(1) //nolint:gosec // only states are stored there
		return nil
	}, no)
	if err != nil {
		return nil, fmt.Errorf("read tallies: %w", err)
	}
	return counts, nil
}
