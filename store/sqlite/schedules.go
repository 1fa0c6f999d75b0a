package sqlite

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// AddSchedule implements store.Scheduling.
func (s *Store) AddSchedule(ctx context.Context, r store.Schedule, o *store.Once) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		if err := t.once(o, 0, r.ID); err != nil {
			return none, err
		}
		if _, err := t.withRows(r.List); err != nil {
			return none, err
		}
		var amount any
		currency := ""
		if r.MaxCost != nil {
			amount, currency = int64(r.MaxCost.Amount), r.MaxCost.Currency
		}
		err = t.exec(`INSERT INTO schedules (id, tenant, list, cron, zone, may_overlap, known, amount, currency, paused, next_at, asked_at, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ID, r.Tenant, r.List, r.Cron, r.Zone, r.Overlap, r.Known, amount, currency, r.Paused, r.Next, r.Asked, t.now)
		if err != nil {
			return none, fmt.Errorf("add schedule: %w", err)
		}
		return none, nil
	})
	return err
}

// Schedule implements store.Scheduling.
func (s *Store) Schedule(ctx context.Context, id string) (store.Schedule, error) {
	return read(ctx, s, func(c conn) (store.Schedule, error) { return c.oneSchedule(id) })
}

func (c conn) oneSchedule(id string) (store.Schedule, error) {
	found, err := c.schedules("id = ?", id)
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
	return read(ctx, s, func(c conn) ([]store.Schedule, error) {
		return c.schedules("?1 = '' OR tenant = ?1 ORDER BY created_at, id", tenant)
	})
}

func (c conn) schedules(where, arg string) ([]store.Schedule, error) {
	var all []store.Schedule
	err := c.each(`SELECT id, tenant, list, cron, zone, may_overlap, known, paused, next_at, asked_at, created_at, amount, currency,
		coalesce((SELECT batch FROM schedule_runs WHERE schedule = id AND batch > 0 ORDER BY due_at DESC LIMIT 1), 0) FROM schedules WHERE `+where, func(stmt *sqlite.Stmt) error {
		r := store.Schedule{
			ID: stmt.ColumnText(0), Tenant: stmt.ColumnText(1), List: columnBatch(stmt, 2), Cron: stmt.ColumnText(3), Zone: stmt.ColumnText(4),
			Overlap: stmt.ColumnBool(5), Known: stmt.ColumnBool(6), Paused: stmt.ColumnBool(7),
			Next: columnTime(stmt, 8), Asked: columnTime(stmt, 9), Created: columnTime(stmt, 10),
			Ran: columnBatch(stmt, 13),
		}
		if !stmt.ColumnIsNull(11) {
			r.MaxCost = new(columnLimit(stmt, 11))
		}
		all = append(all, r)
		return nil
	}, arg)
	for i := range all {
		if err == nil {
			all[i].Last, err = c.lastRun(all[i].ID)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return all, nil
}

func (c conn) lastRun(id string) (*store.ScheduleRun, error) {
	runs, err := c.runs(id, 1)
	if len(runs) == 0 {
		return nil, err
	}
	return &runs[0], err
}

// ScheduleRuns implements store.Scheduling.
func (s *Store) ScheduleRuns(ctx context.Context, id string, limit int) ([]store.ScheduleRun, error) {
	return read(ctx, s, func(c conn) ([]store.ScheduleRun, error) { return c.runs(id, limit) })
}

func (c conn) runs(id string, limit int) (runs []store.ScheduleRun, err error) {
	err = c.each("SELECT due_at, at, batch, reason FROM schedule_runs WHERE schedule = ? ORDER BY due_at DESC LIMIT ?", func(stmt *sqlite.Stmt) error {
		runs = append(runs, store.ScheduleRun{
			Due: columnTime(stmt, 0), At: columnTime(stmt, 1), Batch: columnBatch(stmt, 2), Reason: stmt.ColumnText(3),
		})
		return nil
	}, id, limit)
	if err != nil {
		return nil, fmt.Errorf("read runs of schedule: %w", err)
	}
	return runs, nil
}

// PauseSchedule implements store.Scheduling.
func (s *Store) PauseSchedule(ctx context.Context, id string) error {
	return s.changeSchedule(ctx, nil, id, "paused = 1 WHERE id = ?1")
}

// ResumeSchedule implements store.Scheduling.
func (s *Store) ResumeSchedule(ctx context.Context, id string, next time.Time) error {
	return s.changeSchedule(ctx, nil, id, "paused = 0, next_at = ?2 WHERE id = ?1", next)
}

// RunSchedule implements store.Scheduling.
func (s *Store) RunSchedule(ctx context.Context, id string, o *store.Once) error {
	return s.changeSchedule(ctx, o, id, "asked_at = iif(asked_at = 0, ?2, asked_at) WHERE id = ?1", s.clock())
}

func (s *Store) changeSchedule(ctx context.Context, o *store.Once, id, change string, args ...any) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		if err := t.once(o, 0, id); err != nil {
			return none, err
		}
		if err := t.exec("UPDATE schedules SET "+change, append([]any{id}, args...)...); err != nil {
			return none, fmt.Errorf("change schedule: %w", err)
		}
		if t.Changes() == 0 {
			return none, store.ErrNoSchedule
		}
		return none, nil
	})
	return err
}

// RemoveSchedule implements store.Scheduling.
func (s *Store) RemoveSchedule(ctx context.Context, id string) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		if err := t.exec("DELETE FROM schedule_runs WHERE schedule = ?", id); err != nil {
			return none, fmt.Errorf("remove schedule: %w", err)
		}
		if err := t.exec("DELETE FROM schedules WHERE id = ?", id); err != nil {
			return none, fmt.Errorf("remove schedule: %w", err)
		}
		if t.Changes() == 0 {
			return none, store.ErrNoSchedule
		}
		return none, nil
	})
	return err
}

// due is which schedules may be claimed at a time.
const due = "lease_until <= ?1 AND (paused = 0 AND next_at <= ?1 OR asked_at > 0)"

// DueSchedules implements store.Scheduling.
func (s *Store) DueSchedules(ctx context.Context) ([]string, error) {
	return read(ctx, s, func(c conn) (ids []string, err error) {
		err = c.each("SELECT id FROM schedules WHERE "+due+" ORDER BY id", func(stmt *sqlite.Stmt) error {
			ids = append(ids, stmt.ColumnText(0))
			return nil
		}, s.clock())
		if err != nil {
			return nil, fmt.Errorf("read schedules: %w", err)
		}
		return ids, nil
	})
}

// ClaimSchedule implements store.Scheduling. What somebody asked for comes
// first: the time that is due comes after it, each of its own.
func (s *Store) ClaimSchedule(ctx context.Context, id string, until time.Time) (store.DueSchedule, error) {
	return write(ctx, s, func(t *tx) (d store.DueSchedule, err error) {
		taken, err := t.one("UPDATE schedules SET lease = lease + 1, lease_until = ?2 WHERE id = ?3 AND "+due+" RETURNING lease", func(stmt *sqlite.Stmt) {
			d.Lease = stmt.ColumnInt64(0)
		}, t.now, until, id)
		if err != nil {
			return d, fmt.Errorf("claim schedule: %w", err)
		}
		if !taken {
			return d, nil
		}
		d.Schedule, err = t.oneSchedule(id)
		if d.Due = d.Asked; d.Due.IsZero() {
			d.Due = d.Next
		}
		return d, err
	})
}

// SettleSchedule implements store.Scheduling.
func (s *Store) SettleSchedule(ctx context.Context, r store.ScheduleSettlement) (bool, error) {
	return write(ctx, s, func(t *tx) (bool, error) {
		err := t.exec(`UPDATE schedules SET lease_until = 0, next_at = iif(next_at = ?3 AND asked_at <> ?3, ?4, next_at), asked_at = iif(asked_at = ?3, 0, asked_at)
			WHERE id = ?1 AND lease = ?2`, r.ID, r.Lease, r.Due, r.Next)
		if err == nil && t.Changes() == 0 {
			return false, nil
		}
		if err == nil {
			err = t.exec("INSERT OR IGNORE INTO schedule_runs (schedule, due_at, at, batch, reason) VALUES (?, ?, ?, ?, ?)", r.ID, r.Due, t.now, r.Batch, r.Reason)
		}
		if err != nil {
			return false, fmt.Errorf("settle schedule: %w", err)
		}
		return true, nil
	})
}
