package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// expireAtOnce is how many lists are marked in one transaction.
const expireAtOnce = 100

// overdue is when the time of a list is over: ?1 is how long lists are kept that
// say nothing of it, ?2 the time.
const overdue = `ended_at > 0 AND expired_at = 0
		AND (keep_ms > 0 OR ?1 > 0) AND ended_at + iif(keep_ms > 0, keep_ms, ?1) <= ?2
		AND NOT EXISTS (SELECT 1 FROM tallies WHERE batch = no AND state IN (1, 2, 3) AND n > 0)
		AND NOT EXISTS (SELECT 1 FROM schedules WHERE list = no)`

// lapsed is when a list keeps no answers any more, be they deleted or not.
const lapsed = "expired_at > 0 OR state = 'abandoned' OR " + overdue

// Expire implements store.Retention. Lists are marked, then lose their rows,
// and then the asks that no list relies on any more are looked for: first those
// of all lists whose rows went, as these may have been on each other's.
func (s *Store) Expire(ctx context.Context) (store.Expired, error) {
	if !s.expiring.TryLock() {
		return store.Expired{}, nil // somebody is at it
	}
	defer s.expiring.Unlock()
	x := &expiry{s: s}
	err := x.run(ctx)
	if x.sum.Any() {
		s.logged.Store(true)
	}
	if err == nil && s.logged.Load() {
		err = s.emptyLog(ctx)
	}
	if err != nil {
		return x.sum, fmt.Errorf("expire lists: %w", err)
	}
	return x.sum, nil
}

// expiry is one Expire under way.
type expiry struct {
	s   *Store
	sum store.Expired
}

func (x *expiry) run(ctx context.Context) error {
	for {
		marked, err := write(ctx, x.s, func(t *tx) (int, error) { return t.expire() })
		if err != nil {
			return err
		}
		x.sum.Lists += marked
		if marked < expireAtOnce {
			break
		}
	}
	if err := x.each(ctx, "gone = 1", x.rows); err != nil {
		return err
	}
	return x.each(ctx, "gone IN (2, 3)", x.asks)
}

// each takes a step for all lists that have come so far.
func (x *expiry) each(ctx context.Context, where string, step func(context.Context, store.BatchNo) error) error {
	left, err := read(ctx, x.s, func(c conn) ([]store.BatchNo, error) {
		return c.batchNumbers("SELECT no FROM batches WHERE gone BETWEEN 1 AND 3 AND " + where + " ORDER BY no")
	})
	for i := 0; err == nil && i < len(left); i++ {
		err = step(ctx, left[i])
	}
	return err
}

// expire marks lists whose time is over, and returns how many.
func (t *tx) expire() (int, error) {
	type due struct {
		no   store.BatchNo
		kept time.Duration
	}
	var all []due
	err := t.each("SELECT no, iif(keep_ms > 0, keep_ms, ?1) AS kept FROM batches WHERE "+overdue+" ORDER BY no LIMIT ?3", func(stmt *sqlite.Stmt) error {
		all = append(all, due{no: columnBatch(stmt, 0), kept: columnDuration(stmt, 1)})
		return nil
	}, t.s.retention, t.now, expireAtOnce)
	for i := 0; err == nil && i < len(all); i++ {
		err = t.expireOne(all[i].no, all[i].kept)
	}
	return len(all), err
}

// expireOne marks a list: from here on it has no rows to anybody.
func (t *tx) expireOne(no store.BatchNo, kept time.Duration) error {
	b, err := t.batch(t.s, "no = ?", no)
	if err != nil {
		return err
	}
	meta, err := t.s.sealer.SealMeta(no, b.Scrubbed())
	if err != nil {
		return err
	}
	err = t.exec("UPDATE batches SET expired_at = ?, keep_ms = ?, gone = ?, identity = NULL, meta = ? WHERE no = ?",
		t.now, kept, int(store.GoneRows), meta, no)
	if err != nil {
		return fmt.Errorf("mark batch: %w", err)
	}
	return t.note(store.Entry{What: store.EntryExpired, Batch: no})
}

// rows deletes the rows of a list, and what says which asks they are on. Each
// step leaves a note to the homes of these.
func (x *expiry) rows(ctx context.Context, no store.BatchNo) error {
	first, last := askRange(no)
	for _, d := range []struct {
		asks, doomed string
		count        *int
	}{
		{
			"SELECT ask FROM rows WHERE id BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4",
			"DELETE FROM rows WHERE id IN (SELECT id FROM rows WHERE id BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4)",
			&x.sum.Rows,
		},
		{
			"SELECT ask FROM wants WHERE batch = ?1 ORDER BY ask LIMIT ?4",
			"DELETE FROM wants WHERE batch = ?1 AND ask IN (SELECT ask FROM wants WHERE batch = ?1 ORDER BY ask LIMIT ?4)",
			new(int),
		},
		{
			`SELECT ask FROM (SELECT ask FROM renewals WHERE batch = ?1 ORDER BY ask LIMIT ?4)
				UNION ALL SELECT next FROM (SELECT next FROM renewals WHERE batch = ?1 ORDER BY ask LIMIT ?4)`,
			"DELETE FROM renewals WHERE batch = ?1 AND ask IN (SELECT ask FROM renewals WHERE batch = ?1 ORDER BY ask LIMIT ?4)",
			new(int),
		},
	} {
		for deleted := x.s.slice; deleted == x.s.slice; {
			var err error
			deleted, err = writeAlone(ctx, x.s, func(t *tx) (int, error) {
				args := []any{no, first, last, x.s.slice}
				if err := t.lookAgain("SELECT DISTINCT ask >> 32 FROM ("+d.asks+")", args...); err != nil {
					return 0, err
				}
				err := t.exec(d.doomed, args...)
				return t.Changes(), err
			})
			if err != nil {
				return fmt.Errorf("delete rows: %w", err)
			}
			*d.count += deleted
		}
	}
	_, err := write(ctx, x.s, func(t *tx) (none struct{}, err error) {
		if err := t.exec("DELETE FROM batch_homes WHERE batch = ?", no); err != nil {
			return none, err
		}
		if err := t.exec("DELETE FROM told WHERE batch = ?", no); err != nil {
			return none, err
		}
		return none, t.setGone(no, store.GoneRows, store.GoneDue)
	})
	return err
}

// lookAgain has the asks of homes looked through once more, where that was done
// or is being done: rows that were on some of them are gone. A home that was
// abandoned is looked through like one whose time is over.
func (t *tx) lookAgain(homes string, args ...any) error {
	numbers, err := t.batchNumbers(homes, args...)
	for i := 0; err == nil && i < len(numbers); i++ {
		err = t.exec(`UPDATE batches SET gone = ?1 WHERE no = ?2 AND (gone IN (?3, ?4) OR gone = 0 AND state = 'abandoned' AND done_at > 0)`,
			int(store.GoneDue), numbers[i], int(store.GoneLooking), int(store.GoneShared))
	}
	return err
}

// logTries is how often it is tried to empty the log, and logPause how long
// between.
const (
	logTries = 20
	logPause = 50 * time.Millisecond
)

// emptyLog moves what was written to the file itself, so that the log beside it
// holds none of what was deleted. It waits for nobody, as others would wait for
// it: where somebody reads all the while, the next Expire tries again.
func (s *Store) emptyLog(ctx context.Context) (err error) {
	c, err := sqlite.OpenConn(s.path, sqlite.OpenReadWrite|sqlite.OpenWAL)
	if err != nil {
		return classify(err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	c.SetInterrupt(ctx.Done())
	c.SetBusyTimeout(0)
	for range logTries {
		busy, err := conn{c}.number("PRAGMA wal_checkpoint(TRUNCATE)")
		if err != nil {
			return classify(err)
		}
		if busy == 0 {
			s.logged.Store(false)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(logPause):
		}
	}
	return nil
}
