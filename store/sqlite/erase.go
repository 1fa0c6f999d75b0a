package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// BeginErasure implements store.Erasing.
func (s *Store) BeginErasure(ctx context.Context, e store.Erasure) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		no, err := t.number("SELECT no FROM erasures WHERE id = ?", e.ID)
		if err == nil && no == 0 {
			if err = t.exec("INSERT INTO erasures (id, body) VALUES (?, x'')", e.ID); err == nil {
				err = t.saveErasure(t.LastInsertRowID(), e)
			}
		}
		if err != nil {
			return none, fmt.Errorf("begin erasure: %w", err)
		}
		return none, t.suppress(e.Keys, e.At)
	})
	return err
}

// EndErasure implements store.Erasing.
func (s *Store) EndErasure(ctx context.Context, e store.Erasure) (store.Erasure, error) {
	return write(ctx, s, func(t *tx) (store.Erasure, error) {
		return t.changeErasure(e.ID, func(kept *store.Erasure) {
			kept.Ended, kept.Passes, kept.Unread = store.Millis(t.now), e.Passes, e.Unread
		})
	})
}

// changeErasure changes the record of an erasure, and returns it.
func (t *tx) changeErasure(id string, change func(*store.Erasure)) (e store.Erasure, err error) {
	var no int64
	var body []byte
	_, err = t.one("SELECT no, body FROM erasures WHERE id = ?", func(stmt *sqlite.Stmt) {
		no, body = stmt.ColumnInt64(0), columnBytes(stmt, 1)
	}, id)
	if err == nil {
		e, err = t.s.sealer.OpenErasure(no, body)
	}
	if err == nil {
		change(&e)
		err = t.saveErasure(no, e)
	}
	if err != nil {
		return e, fmt.Errorf("write record of erasure: %w", err)
	}
	return e, nil
}

func (t *tx) saveErasure(no int64, e store.Erasure) error {
	body, err := t.s.sealer.SealErasure(no, e)
	if err != nil {
		return err
	}
	return t.exec("UPDATE erasures SET body = ? WHERE no = ?", body, no)
}

// Erasures implements store.Erasing.
func (s *Store) Erasures(ctx context.Context) ([]store.Erasure, error) {
	return read(ctx, s, func(c conn) ([]store.Erasure, error) {
		var all []store.Erasure
		err := c.each("SELECT no, body FROM erasures ORDER BY no", func(stmt *sqlite.Stmt) error {
			e, err := s.sealer.OpenErasure(stmt.ColumnInt64(0), columnBytes(stmt, 1))
			all = append(all, e)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		return all, nil
	})
}

// Suppress implements store.Erasing. There is one writer: who takes rows in does
// so before it or after.
func (s *Store) Suppress(ctx context.Context, keys []store.PersonKey, at time.Time) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) { return none, t.suppress(keys, at) })
	return err
}

func (t *tx) suppress(keys []store.PersonKey, at time.Time) error {
	for _, k := range keys {
		err := t.exec("DELETE FROM allowed WHERE kind = ? AND key = ? AND at <= ?", string(k.Kind), k.Hash[:], at)
		if err == nil {
			err = t.exec(`INSERT INTO suppressed (kind, key, at) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM allowed WHERE kind = ?1 AND key = ?2)
				ON CONFLICT (kind, key) DO UPDATE SET at = max(at, excluded.at)`, string(k.Kind), k.Hash[:], at)
		}
		if err != nil {
			return fmt.Errorf("suppress: %w", err)
		}
	}
	return nil
}

// Allow implements store.Erasing.
func (s *Store) Allow(ctx context.Context, keys []store.PersonKey, at time.Time) (int, error) {
	return write(ctx, s, func(t *tx) (n int, err error) {
		for _, k := range keys {
			if err := t.exec("DELETE FROM suppressed WHERE kind = ? AND key = ? AND at < ?", string(k.Kind), k.Hash[:], at); err != nil {
				return 0, fmt.Errorf("allow: %w", err)
			}
			if t.Changes() == 0 {
				continue
			}
			if err := t.exec("INSERT INTO allowed (kind, key, at) VALUES (?, ?, ?)", string(k.Kind), k.Hash[:], at); err != nil {
				return 0, fmt.Errorf("allow: %w", err)
			}
			n++
		}
		return n, nil
	})
}

// Suppressions implements store.Erasing.
func (s *Store) Suppressions(ctx context.Context) ([]store.Suppression, error) {
	return read(ctx, s, func(c conn) ([]store.Suppression, error) {
		var all []store.Suppression
		err := c.each(`SELECT kind, key, at, 0 AS free FROM suppressed UNION ALL SELECT kind, key, at, 1 FROM allowed
			ORDER BY free, kind, key`, func(stmt *sqlite.Stmt) error {
			said := store.Suppression{
				Key: store.PersonKey{Kind: store.PersonKind(stmt.ColumnText(0))}, At: columnTime(stmt, 2), Allowed: stmt.ColumnBool(3),
			}
			stmt.ColumnBytes(1, said.Key.Hash[:])
			all = append(all, said)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read who is suppressed: %w", err)
		}
		return all, nil
	})
}

// suppressedAmong returns those of the subjects of some rows that are
// suppressed. Nearly always nobody is, and nothing is looked at.
func (c conn) suppressedAmong(sealer *store.Sealer, rows []store.NewRow) (*store.Suppressing, map[store.PersonKey]bool, error) {
	some, err := c.number("SELECT EXISTS (SELECT 1 FROM suppressed)")
	if err != nil || some == 0 {
		return nil, nil, err
	}
	p := sealer.NewSuppressing(rows)
	hit := map[store.PersonKey]bool{}
	for _, k := range p.Keys {
		found, err := c.number("SELECT EXISTS (SELECT 1 FROM suppressed WHERE kind = ? AND key = ?)", string(k.Kind), k.Hash[:])
		if err != nil {
			return nil, nil, fmt.Errorf("read who is suppressed: %w", err)
		}
		if found != 0 {
			hit[k] = true
		}
	}
	return p, hit, nil
}

// admit returns the rows of a piece, of those on somebody who is suppressed
// nothing but that.
func (t *tx) admit(no store.BatchNo, first int, p store.Piece) ([]store.SealedRow, error) {
	people, hit, err := t.suppressedAmong(t.s.sealer, p.Rows)
	if err != nil || len(hit) == 0 {
		return p.Sealed(), err
	}
	return people.Rows(no, first, p.Sealed(), hit)
}

// erasedIn returns the asks of a chunk that were erased.
func (c conn) erasedIn(first, last store.AskID) (map[store.AskID]bool, error) {
	var erased map[store.AskID]bool
	asks, err := c.asks("SELECT ask FROM erased_asks WHERE ask BETWEEN ? AND ?", first, last)
	for _, a := range asks {
		if erased == nil {
			erased = map[store.AskID]bool{}
		}
		erased[a] = true
	}
	return erased, err
}

var errBusy = errors.New("somebody reads the store: try again")

// Scrub implements store.Erasing: with secure_delete on, what is overwritten is
// gone from the file itself, and only the log beside it has it still.
func (s *Store) Scrub(ctx context.Context) error {
	return s.writer.outside(ctx, func(c conn) error {
		busy := int64(0)
		_, err := c.one("PRAGMA wal_checkpoint(TRUNCATE)", func(stmt *sqlite.Stmt) { busy = stmt.ColumnInt64(0) })
		if err == nil && busy != 0 {
			err = errBusy
		}
		if err != nil {
			return fmt.Errorf("empty the log of the store: %w", err)
		}
		return nil
	})
}
