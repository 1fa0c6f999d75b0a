package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// BeginErasure implements store.Erasing.
func (s *Store) BeginErasure(ctx context.Context, e store.Erasure) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		var no int64
		fresh, err := t.one(ctx, "INSERT INTO erasures (id, body) VALUES ($1, '') ON CONFLICT DO NOTHING RETURNING no", []any{e.ID}, &no)
		if err == nil && fresh {
			err = t.saveErasure(ctx, no, e)
		}
		if err != nil {
			return none, fmt.Errorf("begin erasure: %w", err)
		}
		return none, t.suppress(ctx, e.Keys, e.At)
	})
	return err
}

// EndErasure implements store.Erasing.
func (s *Store) EndErasure(ctx context.Context, e store.Erasure) (store.Erasure, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (store.Erasure, error) {
		return t.changeErasure(ctx, e.ID, func(kept *store.Erasure) {
			kept.Ended, kept.Passes, kept.Unread = store.Millis(t.now), e.Passes, e.Unread
		})
	})
}

// changeErasure changes the record of an erasure, and returns it.
func (t *tx) changeErasure(ctx context.Context, id string, change func(*store.Erasure)) (e store.Erasure, err error) {
	var no int64
	var body []byte
	_, err = t.one(ctx, "SELECT no, body FROM erasures WHERE id = $1 FOR UPDATE", []any{id}, &no, &body)
	if err == nil {
		e, err = t.s.sealer.OpenErasure(no, body)
	}
	if err == nil {
		change(&e)
		err = t.saveErasure(ctx, no, e)
	}
	if err != nil {
		return e, fmt.Errorf("write record of erasure: %w", err)
	}
	return e, nil
}

func (t *tx) saveErasure(ctx context.Context, no int64, e store.Erasure) error {
	body, err := t.s.sealer.SealErasure(no, e)
	if err != nil {
		return err
	}
	return t.exec(ctx, "UPDATE erasures SET body = $1 WHERE no = $2", body, no)
}

// Erasures implements store.Erasing.
func (s *Store) Erasures(ctx context.Context) ([]store.Erasure, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Erasure, error) {
		var all []store.Erasure
		err := c.each(ctx, "SELECT no, body FROM erasures ORDER BY no", func(r pgx.Rows) error {
			var no int64
			var body []byte
			if err := r.Scan(&no, &body); err != nil {
				return err
			}
			e, err := s.sealer.OpenErasure(no, body)
			all = append(all, e)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		return all, nil
	})
}

// Suppress implements store.Erasing.
func (s *Store) Suppress(ctx context.Context, keys []store.PersonKey, at time.Time) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) { return none, t.suppress(ctx, keys, at) })
	return err
}

// suppress waits for everyone who has looked at the table and is taking rows in,
// and for who allows somebody.
func (t *tx) suppress(ctx context.Context, keys []store.PersonKey, at time.Time) error {
	kinds, hashes := columnsOf(keys)
	err := t.exec(ctx, "LOCK TABLE suppressed IN EXCLUSIVE MODE")
	if err == nil {
		err = t.exec(ctx, `DELETE FROM allowed a USING unnest($1::text[], $2::bytea[]) AS k (kind, key)
			WHERE a.kind = k.kind AND a.key = k.key AND a.at <= $3`, kinds, hashes, millis(at))
	}
	if err == nil {
		err = t.exec(ctx, `INSERT INTO suppressed AS s (kind, key, at) SELECT DISTINCT k.kind, k.key, $3::bigint FROM unnest($1::text[], $2::bytea[]) AS k (kind, key)
			WHERE NOT EXISTS (SELECT 1 FROM allowed a WHERE a.kind = k.kind AND a.key = k.key)
			ON CONFLICT (kind, key) DO UPDATE SET at = greatest(s.at, excluded.at)`, kinds, hashes, millis(at))
	}
	if err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	return nil
}

func columnsOf(keys []store.PersonKey) (kinds []string, hashes [][]byte) {
	kinds, hashes = make([]string, len(keys)), make([][]byte, len(keys))
	for i := range keys {
		kinds[i], hashes[i] = string(keys[i].Kind), keys[i].Hash[:]
	}
	return kinds, hashes
}

// Allow implements store.Erasing.
func (s *Store) Allow(ctx context.Context, keys []store.PersonKey, at time.Time) (int, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		kinds, hashes := columnsOf(keys)
		tag, err := t.Exec(ctx, `WITH freed AS (DELETE FROM suppressed s USING unnest($1::text[], $2::bytea[]) AS k (kind, key)
				WHERE s.kind = k.kind AND s.key = k.key AND s.at < $3 RETURNING s.kind, s.key)
			INSERT INTO allowed (kind, key, at) SELECT kind, key, $3::bigint FROM freed`, kinds, hashes, millis(at))
		if err != nil {
			return 0, fmt.Errorf("allow: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}

// Suppressions implements store.Erasing.
func (s *Store) Suppressions(ctx context.Context) ([]store.Suppression, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Suppression, error) {
		return c.said(ctx, `SELECT kind COLLATE "C" AS kind, key, at, false AS free FROM suppressed
			UNION ALL SELECT kind COLLATE "C", key, at, true FROM allowed ORDER BY free, kind, key`)
	})
}

// said reads kinds and hashes of keys, when something was said of them, and
// whether that was that they are allowed.
func (c conn) said(ctx context.Context, query string, args ...any) ([]store.Suppression, error) {
	var all []store.Suppression
	err := c.each(ctx, query, func(r pgx.Rows) error {
		var kind string
		var hash []byte
		var at int64
		var said store.Suppression
		err := r.Scan(&kind, &hash, &at, &said.Allowed)
		said.Key.Kind, said.At = store.PersonKind(kind), fromMillis(at)
		copy(said.Key.Hash[:], hash)
		all = append(all, said)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read who is suppressed: %w", err)
	}
	return all, nil
}

// suppressedAmong returns those of the subjects of some rows that are
// suppressed. Nearly always nobody is, and nothing is looked at.
func (c conn) suppressedAmong(ctx context.Context, sealer *store.Sealer, rows []store.NewRow) (*store.Suppressing, map[store.PersonKey]bool, error) {
	some, err := c.truth(ctx, "SELECT EXISTS (SELECT 1 FROM suppressed)")
	if err != nil || !some {
		return nil, nil, err
	}
	p := sealer.NewSuppressing(rows)
	kinds, hashes := columnsOf(p.Keys)
	said, err := c.said(ctx, "SELECT s.kind, s.key, s.at, false FROM unnest($1::text[], $2::bytea[]) AS k (kind, key) JOIN suppressed s ON s.kind = k.kind AND s.key = k.key", kinds, hashes)
	hit := map[store.PersonKey]bool{}
	for _, s := range said {
		hit[s.Key] = true
	}
	return p, hit, err
}

// admit returns the rows of a piece, of those on somebody who is suppressed
// nothing but that. Until the commit nobody else is.
func (t *tx) admit(ctx context.Context, no store.BatchNo, first int, p store.Piece) ([]store.SealedRow, error) {
	if err := t.holdSuppressed(ctx); err != nil {
		return nil, err
	}
	people, hit, err := t.suppressedAmong(ctx, t.s.sealer, p.Rows)
	if err != nil || len(hit) == 0 {
		return p.Sealed(), err
	}
	return people.Rows(no, first, p.Sealed(), hit)
}

// holdSuppressed has nobody suppressed until the commit who is not now.
func (t *tx) holdSuppressed(ctx context.Context) error {
	if err := t.exec(ctx, "LOCK TABLE suppressed IN ROW SHARE MODE"); err != nil {
		return fmt.Errorf("lock who is suppressed: %w", err)
	}
	return nil
}

// barred reports whether one of the rows is about somebody who is suppressed.
func (t *tx) barred(ctx context.Context, rows []store.NewRow) (bool, error) {
	if err := t.holdSuppressed(ctx); err != nil {
		return false, err
	}
	_, hit, err := t.suppressedAmong(ctx, t.s.sealer, rows)
	return len(hit) > 0, err
}

// queueErased adds the reading of the erased asks of a call's chunk to a batch
// of statements.
func queueErased(b *pgx.Batch, into *map[store.AskID]bool, id store.CallID) {
	b.Queue(`SELECT e.ask FROM chunks k JOIN erased_asks e ON e.ask BETWEEN k.id AND k.id + k.n - 1
		WHERE k.id = (SELECT chunk FROM calls WHERE id = $1)`, id).Query(func(rows pgx.Rows) error {
		asks, err := pgx.CollectRows(rows, pgx.RowTo[store.AskID])
		if len(asks) > 0 {
			*into = make(map[store.AskID]bool, len(asks))
		}
		for _, a := range asks {
			(*into)[a] = true
		}
		return err
	})
}

// Scrub implements store.Erasing: the server frees what was overwritten. Its own
// log and its backups go when their time has come.
func (s *Store) Scrub(ctx context.Context) error {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", classify(err))
	}
	defer c.Release()
	if _, err := c.Exec(ctx, "SET statement_timeout = 0"); err != nil {
		return fmt.Errorf("vacuum: %w", classify(err))
	}
	defer func() { _, _ = c.Exec(context.WithoutCancel(ctx), "RESET statement_timeout") }() // one that is lost is not used again
	for _, table := range []string{"asks", "answers", "rows", "batches", "tickets", "calls", "orphans", "decisions", "ask_keys"} {
		if _, err := c.Exec(ctx, "VACUUM "+table); err != nil {
			return fmt.Errorf("vacuum %s: %w", table, classify(err))
		}
	}
	return nil
}
