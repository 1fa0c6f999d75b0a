package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

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

const headerQuery = `SELECT b.no, b.id, b.tenant, b.provider, b.state, b.keep_raw, b.fresh, b.fresh_ms, b.none_ms, b.resend,
	b.rows, b.asks, c.cut, b.renewals, b.created_at, b.known, b.joined, b.doubles, b.held_by, b.keep_ms, b.expired_at, b.traceparent FROM batches b JOIN cuts c ON c.batch = b.no WHERE b.no = `

// scan reads a row of headerQuery, or returns ErrNoBatch.
func (h *header) scan(r pgx.Row) error {
	var freshMS, noneMS, created, keptMS, expired int64
	err := r.Scan(&h.no, &h.id, &h.tenant, &h.provider, &h.state, &h.keepRaw, &h.reuse.Fresh, &freshMS, &noneMS, &h.reuse.ResendUnknown,
		&h.rows, &h.asks, &h.cut, &h.renewals, &created,
		&h.shared.Known, &h.shared.Joined, &h.shared.Duplicates, &h.heldBy, &keptMS, &expired, &h.traceparent)
	if err == pgx.ErrNoRows { //nolint:errorlint // Scan returns it bare
		return store.ErrNoBatch
	}
	if err != nil {
		return fmt.Errorf("read batch: %w", err)
	}
	h.reuse.FreshFor, h.reuse.FreshNotFoundFor, h.created = duration(freshMS), duration(noneMS), fromMillis(created)
	h.kept, h.expired = duration(keptMS), fromMillis(expired)
	return nil
}

// trace returns under which request the batch was taken in.
func (h *header) trace() store.Trace { return store.Trace{Parent: h.traceparent, Rows: h.rows} }

// expiry returns *store.ExpiredError where the batch has no rows any more.
func (h *header) expiry() error {
	return store.Batch{ID: h.id, Expired: h.expired, Kept: h.kept}.Expiry()
}

// withRows returns the batch, ErrNoBatch, or *store.ExpiredError.
func (c conn) withRows(ctx context.Context, no store.BatchNo) (*header, error) {
	h, err := c.header(ctx, no)
	if err == nil {
		err = h.expiry()
	}
	return h, err
}

// header returns the batch, or ErrNoBatch.
func (c conn) header(ctx context.Context, no store.BatchNo) (*header, error) {
	h, err := c.anyHeader(ctx, no)
	if err == nil && h.state == store.BatchAbandoned {
		return nil, store.ErrNoBatch
	}
	return h, err
}

// anyHeader is header for those who follow asks to their home, which may have
// been abandoned.
func (c conn) anyHeader(ctx context.Context, no store.BatchNo) (*header, error) {
	h := &header{}
	return h, h.scan(c.QueryRow(ctx, headerQuery+"$1", no))
}

// hold locks the row of a batch and returns it as it then is, if it is in one
// of the states, else *store.StateError about what was wanted.
func (t *tx) hold(ctx context.Context, no store.BatchNo, want string, states ...store.BatchState) (*header, error) {
	if err := t.exec(ctx, "SELECT 1 FROM batches WHERE no = $1 FOR UPDATE", no); err != nil {
		return nil, fmt.Errorf("lock batch: %w", err)
	}
	h, err := t.header(ctx, no)
	if err != nil {
		return nil, err
	}
	if slices.Contains(states, h.state) {
		return h, h.expiry()
	}
	return nil, &store.StateError{Batch: h.id, State: h.state, Want: want}
}

// Batch implements store.Reader.
func (s *Store) Batch(ctx context.Context, id string) (store.Batch, error) {
	return s.readBatch(ctx, "id = $1", id)
}

// BatchByNo implements store.Reader.
func (s *Store) BatchByNo(ctx context.Context, no store.BatchNo) (store.Batch, error) {
	return s.readBatch(ctx, "no = $1", no)
}

// FindBatch implements store.Reader.
func (s *Store) FindBatch(ctx context.Context, identity []byte) (store.Batch, error) {
	return s.readBatch(ctx, "identity = $1 ORDER BY no DESC LIMIT 1", s.sealer.IdentityKey(identity))
}

// Batches implements store.Reader.
func (s *Store) Batches(ctx context.Context, f store.BatchFilter) ([]store.Batch, error) {
	var where []string
	var args []any
	add := func(clause string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	if f.Tenant != "" {
		add("tenant = $%d AND ", f.Tenant)
	}
	if f.Provider != "" {
		add("provider = $%d AND ", f.Provider)
	}
	if len(f.States) > 0 {
		add("state = ANY($%d) AND ", f.States)
	}
	if !f.From.IsZero() {
		add("created_at >= $%d AND ", millis(f.From))
	}
	if !f.To.IsZero() {
		add("created_at < $%d AND ", millis(f.To))
	}
	if f.Before > 0 {
		add("no < $%d AND ", f.Before)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	add("true ORDER BY no DESC LIMIT $%d", f.Limit)
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Batch, error) {
		return c.batches(ctx, s, strings.Join(where, ""), args...)
	})
}

func (s *Store) readBatch(ctx context.Context, where string, args ...any) (store.Batch, error) {
	return read(ctx, s, func(ctx context.Context, c conn) (store.Batch, error) { return c.batch(ctx, s, where, args...) })
}

// batch returns the first batch that fits, or ErrNoBatch.
func (c conn) batch(ctx context.Context, s *Store, where string, args ...any) (store.Batch, error) {
	all, err := c.batches(ctx, s, where, args...)
	if err != nil {
		return store.Batch{}, err
	}
	if len(all) == 0 {
		return store.Batch{}, store.ErrNoBatch
	}
	return all[0], nil
}

// batches reads batches and their tallies in one statement, so that the two
// agree outside a snapshot too.
func (c conn) batches(ctx context.Context, s *Store, where string, args ...any) ([]store.Batch, error) {
	var all []store.Batch
	err := c.each(ctx, `SELECT no, id, tenant, provider, weight, keep_raw, state, reason, rows, asks, created_at, done_at, meta, known, joined, doubles, held_by, ended_at, keep_ms, expired_at,
			ARRAY(SELECT t.state::int FROM tallies t WHERE t.batch = b.no GROUP BY t.state ORDER BY t.state),
			ARRAY(SELECT sum(t.n)::int FROM tallies t WHERE t.batch = b.no GROUP BY t.state ORDER BY t.state), `+costColumns+", "+unaskedColumn+`
		FROM batches b WHERE state <> 'abandoned' AND `+where, func(r pgx.Rows) error {
		var b store.Batch
		var created, done, ended, kept, expired int64
		var meta []byte
		var states, counts []int
		var currencies []string
		var held, spent []int64
		var heldBy string
		err := r.Scan(&b.No, &b.ID, &b.Tenant, &b.Provider, &b.Weight, &b.KeepRaw, &b.State, &b.Reason, &b.Rows, &b.Asks,
			&created, &done, &meta, &b.Shared.Known, &b.Shared.Joined, &b.Shared.Duplicates, &heldBy, &ended, &kept, &expired, &states, &counts,
			&currencies, &held, &spent, &b.Unasked)
		if err != nil {
			return err
		}
		b.Created, b.Done = fromMillis(created), fromMillis(done)
		b.Ended, b.OwnKept, b.Expired = fromMillis(ended), duration(kept), fromMillis(expired)
		if b.Kept = b.OwnKept; b.Kept == 0 {
			b.Kept = s.retention
		}
		b.Counts, b.Costs = countsOf(states, counts), costsOf(currencies, held, spent)
		b.HeldBy, _ = store.ParseBudgetScope(heldBy) // zero where none holds it
		err = s.sealer.OpenMeta(meta, &b)
		all = append(all, b)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	return all, nil
}

func countsOf(states, n []int) store.Counts {
	counts := store.Counts{}
	for i, s := range states {
		if n[i] != 0 {
			counts[store.State(s)] = n[i] //nolint:gosec // only states are stored there
		}
	}
	return counts
}
