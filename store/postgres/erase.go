package postgres

import (
	"context"
	"fmt"

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
		return none, t.suppress(ctx, e.Keys)
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
func (s *Store) Suppress(ctx context.Context, keys []store.PersonKey) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) { return none, t.suppress(ctx, keys) })
	return err
}

// suppress waits for everyone who has looked at the table and is taking rows in.
func (t *tx) suppress(ctx context.Context, keys []store.PersonKey) error {
	kinds, hashes := columnsOf(keys)
	err := t.exec(ctx, "LOCK TABLE suppressed IN EXCLUSIVE MODE")
	if err == nil {
		err = t.exec(ctx, "INSERT INTO suppressed (kind, key) SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING", kinds, hashes)
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
func (s *Store) Allow(ctx context.Context, keys []store.PersonKey) (int, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		kinds, hashes := columnsOf(keys)
		tag, err := t.Exec(ctx, "DELETE FROM suppressed s USING unnest($1::text[], $2::bytea[]) AS k (kind, key) WHERE s.kind = k.kind AND s.key = k.key", kinds, hashes)
		if err != nil {
			return 0, fmt.Errorf("allow: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}

// Suppressed implements store.Erasing.
func (s *Store) Suppressed(ctx context.Context) ([]store.PersonKey, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.PersonKey, error) {
		return c.people(ctx, `SELECT kind, key FROM suppressed ORDER BY kind COLLATE "C", key`)
	})
}

func (c conn) people(ctx context.Context, query string, args ...any) ([]store.PersonKey, error) {
	var keys []store.PersonKey
	err := c.each(ctx, query, func(r pgx.Rows) error {
		var kind string
		var hash []byte
		err := r.Scan(&kind, &hash)
		k := store.PersonKey{Kind: store.PersonKind(kind)}
		copy(k.Hash[:], hash)
		keys = append(keys, k)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read who is suppressed: %w", err)
	}
	return keys, nil
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
	keys, err := c.people(ctx, "SELECT s.kind, s.key FROM unnest($1::text[], $2::bytea[]) AS k (kind, key) JOIN suppressed s ON s.kind = k.kind AND s.key = k.key", kinds, hashes)
	hit := map[store.PersonKey]bool{}
	for _, k := range keys {
		hit[k] = true
	}
	return p, hit, err
}

// admit returns the rows of a piece, of those on somebody who is suppressed
// nothing but that. Until the commit nobody else is.
func (t *tx) admit(ctx context.Context, no store.BatchNo, first int, p store.Piece) ([]store.SealedRow, error) {
	if err := t.exec(ctx, "LOCK TABLE suppressed IN ROW SHARE MODE"); err != nil {
		return nil, fmt.Errorf("lock who is suppressed: %w", err)
	}
	people, hit, err := t.suppressedAmong(ctx, t.s.sealer, p.Rows)
	if err != nil || len(hit) == 0 {
		return p.Sealed(), err
	}
	return people.Rows(no, first, p.Sealed(), hit)
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
