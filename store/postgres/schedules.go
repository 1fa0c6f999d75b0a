package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// AddSchedule implements store.Scheduling.
func (s *Store) AddSchedule(ctx context.Context, r store.Schedule, o *store.Once) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		if err := t.once(ctx, o, r.ID); err != nil {
			return none, err
		}
		if err := t.exec(ctx, "SELECT 1 FROM batches WHERE no = $1 FOR SHARE", r.List); err != nil {
			return none, err
		}
		if _, err := t.withRows(ctx, r.List); err != nil {
			return none, err
		}
		var amount *int64
		currency := ""
		if r.MaxCost != nil {
			amount, currency = new(int64(r.MaxCost.Amount)), r.MaxCost.Currency
		}
		err = t.exec(ctx, `INSERT INTO schedules (id, tenant, list, cron, zone, may_overlap, known, amount, currency, paused, next_at, asked_at, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			r.ID, r.Tenant, r.List, r.Cron, r.Zone, r.Overlap, r.Known, amount, currency, r.Paused, millis(r.Next), millis(r.Asked), millis(t.now))
		if err != nil {
			return none, fmt.Errorf("add schedule: %w", err)
		}
		return none, nil
	})
	return err
}

// Schedule implements store.Scheduling.
func (s *Store) Schedule(ctx context.Context, id string) (store.Schedule, error) {
	return read(ctx, s, func(ctx context.Context, c conn) (store.Schedule, error) { return c.oneSchedule(ctx, id) })
}

func (c conn) oneSchedule(ctx context.Context, id string) (store.Schedule, error) {
	found, err := c.schedules(ctx, "id = $1", id)
	if err == nil && len(found) == 0 {
		return store.Schedule{}, store.ErrNoSchedule
	}
	if err != nil {
		return store.Schedule{}, err
	}
	return found[0], nil
}

// Schedules implements store.Scheduling.
func (s *Store) Schedules(ctx context.Context, tenant string) ([]store.Schedule, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Schedule, error) {
		return c.schedules(ctx, "$1 = '' OR tenant = $1 ORDER BY created_at, id", tenant)
	})
}

func (c conn) schedules(ctx context.Context, where, arg string) ([]store.Schedule, error) {
	var all []store.Schedule
	err := c.each(ctx, `SELECT id, tenant, list, cron, zone, may_overlap, known, paused, next_at, asked_at, created_at, amount, currency,
		coalesce((SELECT batch FROM schedule_runs WHERE schedule = id AND batch > 0 ORDER BY due_at DESC LIMIT 1), 0) FROM schedules WHERE `+where, func(row pgx.Rows) error {
		var r store.Schedule
		var next, asked, created int64
		var amount *int64
		var currency string
		err := row.Scan(&r.ID, &r.Tenant, &r.List, &r.Cron, &r.Zone, &r.Overlap, &r.Known, &r.Paused, &next, &asked, &created, &amount, &currency, &r.Ran)
		r.Next, r.Asked, r.Created = fromMillis(next), fromMillis(asked), fromMillis(created)
		if amount != nil {
			r.MaxCost = &store.Limit{Amount: store.Money(*amount), Currency: currency}
		}
		all = append(all, r)
		return err
	}, arg)
	for i := range all {
		if err == nil {
			all[i].Last, err = c.lastRun(ctx, all[i].ID)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return all, nil
}

func (c conn) lastRun(ctx context.Context, id string) (*store.ScheduleRun, error) {
	runs, err := c.runs(ctx, id, 1)
	if len(runs) == 0 {
		return nil, err
	}
	return &runs[0], err
}

// ScheduleRuns implements store.Scheduling.
func (s *Store) ScheduleRuns(ctx context.Context, id string, limit int) ([]store.ScheduleRun, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.ScheduleRun, error) { return c.runs(ctx, id, limit) })
}

func (c conn) runs(ctx context.Context, id string, limit int) (runs []store.ScheduleRun, err error) {
	err = c.each(ctx, "SELECT due_at, at, batch, reason FROM schedule_runs WHERE schedule = $1 ORDER BY due_at DESC LIMIT $2", func(row pgx.Rows) error {
		var r store.ScheduleRun
		var due, at int64
		err := row.Scan(&due, &at, &r.Batch, &r.Reason)
		r.Due, r.At = fromMillis(due), fromMillis(at)
		runs = append(runs, r)
		return err
	}, id, limit)
	if err != nil {
		return nil, fmt.Errorf("read runs of schedule: %w", err)
	}
	return runs, nil
}

// PauseSchedule implements store.Scheduling.
func (s *Store) PauseSchedule(ctx context.Context, id string) error {
	return s.changeSchedule(ctx, nil, "UPDATE schedules SET paused = true WHERE id = $1", id)
}

// ResumeSchedule implements store.Scheduling.
func (s *Store) ResumeSchedule(ctx context.Context, id string, next time.Time) error {
	return s.changeSchedule(ctx, nil, "UPDATE schedules SET paused = false, next_at = $2 WHERE id = $1", id, millis(next))
}

// RunSchedule implements store.Scheduling.
func (s *Store) RunSchedule(ctx context.Context, id string, o *store.Once) error {
	return s.changeSchedule(ctx, o, "UPDATE schedules SET asked_at = CASE WHEN asked_at = 0 THEN $2 ELSE asked_at END WHERE id = $1", id, millis(s.clock()))
}

// RemoveSchedule implements store.Scheduling.
func (s *Store) RemoveSchedule(ctx context.Context, id string) error {
	return s.changeSchedule(ctx, nil, "WITH runs AS (DELETE FROM schedule_runs WHERE schedule = $1) DELETE FROM schedules WHERE id = $1", id)
}

func (s *Store) changeSchedule(ctx context.Context, o *store.Once, change, id string, args ...any) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		if err := t.once(ctx, o, id); err != nil {
			return none, err
		}
		tag, err := t.Exec(ctx, change, append([]any{id}, args...)...)
		if err != nil {
			return none, fmt.Errorf("change schedule: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return none, store.ErrNoSchedule
		}
		return none, nil
	})
	return err
}

// due is which schedules may be claimed at a time.
const due = "lease_until <= $1 AND (NOT paused AND next_at <= $1 OR asked_at > 0)"

// DueSchedules implements store.Scheduling.
func (s *Store) DueSchedules(ctx context.Context) ([]string, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]string, error) {
		ids, err := list[string](ctx, c, "SELECT id FROM schedules WHERE "+due+" ORDER BY id", millis(s.clock()))
		if err != nil {
			return nil, fmt.Errorf("read schedules: %w", err)
		}
		return ids, nil
	})
}

// ClaimSchedule implements store.Scheduling. What somebody asked for comes
// first: the time that is due comes after it, each of its own.
func (s *Store) ClaimSchedule(ctx context.Context, id string, until time.Time) (store.DueSchedule, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (d store.DueSchedule, err error) {
		taken, err := t.one(ctx, "UPDATE schedules SET lease = lease + 1, lease_until = $2 WHERE id = $3 AND "+due+" RETURNING lease",
			[]any{millis(t.now), millis(until), id}, &d.Lease)
		if err != nil {
			return d, fmt.Errorf("claim schedule: %w", err)
		}
		if !taken {
			return d, nil
		}
		d.Schedule, err = t.oneSchedule(ctx, id)
		if d.Due = d.Asked; d.Due.IsZero() {
			d.Due = d.Next
		}
		return d, err
	})
}

// SettleSchedule implements store.Scheduling.
func (s *Store) SettleSchedule(ctx context.Context, r store.ScheduleSettlement) (bool, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (bool, error) {
		tag, err := t.Exec(ctx, `UPDATE schedules SET lease_until = 0, next_at = CASE WHEN next_at = $3 AND asked_at <> $3 THEN $4 ELSE next_at END,
			asked_at = CASE WHEN asked_at = $3 THEN 0 ELSE asked_at END WHERE id = $1 AND lease = $2`, r.ID, r.Lease, millis(r.Due), millis(r.Next))
		if err == nil && tag.RowsAffected() == 0 {
			return false, nil
		}
		if err == nil {
			err = t.exec(ctx, "INSERT INTO schedule_runs (schedule, due_at, at, batch, reason) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
				r.ID, millis(r.Due), millis(t.now), r.Batch, r.Reason)
		}
		if err != nil {
			return false, fmt.Errorf("settle schedule: %w", err)
		}
		return true, nil
	})
}
