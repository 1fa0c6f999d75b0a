package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Reseal implements store.Resealing. A value that somebody replaces meanwhile
// is left as they wrote it.
func (s *Store) Reseal(ctx context.Context, from store.ResealPlace) (store.Resealed, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (store.Resealed, error) {
		step, more := s.sealer.NewResealStep(from)
		if !more {
			return store.Resealed{Next: from, Done: true}, nil
		}
		c := step.Column
		var keys []int64
		var olds, news [][]byte
		query := fmt.Sprintf("SELECT %[1]s, %[2]s FROM %[3]s WHERE %[1]s > $1 AND %[2]s IS NOT NULL ORDER BY %[1]s LIMIT $2", c.Key, c.Name, c.Table)
		err := t.each(ctx, query, func(r pgx.Rows) error {
			var key int64
			var old []byte
			if err := r.Scan(&key, &old); err != nil {
				return err
			}
			if fresh := step.Value(key, old); fresh != nil {
				keys, olds, news = append(keys, key), append(olds, old), append(news, fresh)
			}
			return nil
		}, step.After, step.Limit)
		b := &pgx.Batch{}
		update := fmt.Sprintf("UPDATE %s SET %s = $1 WHERE %s = $2 AND %[2]s = $3", c.Table, c.Name, c.Key)
		for i := range keys {
			b.Queue(update, news[i], keys[i], olds[i])
		}
		if err == nil {
			err = t.send(ctx, b)
		}
		if err != nil {
			return store.Resealed{}, fmt.Errorf("seal %s anew: %w", c.Table, err)
		}
		return step.End(), nil
	})
}

// ForgetSealKeys implements store.Resealing.
func (s *Store) ForgetSealKeys(ctx context.Context) ([]string, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) ([]string, error) {
		kept, err := t.facts(ctx)
		if err != nil {
			return nil, err
		}
		facts, replaced, keys := s.sealer.Superseded(kept)
		if err := t.exec(ctx, "DELETE FROM meta WHERE name = ANY($1)", facts); err != nil {
			return nil, fmt.Errorf("forget sealing keys: %w", err)
		}
		return keys, t.sign(ctx, replaced)
	})
}

// HoldsKeys implements store.Resealing.
func (s *Store) HoldsKeys(ctx context.Context) error {
	kept, err := read(ctx, s, func(ctx context.Context, c conn) (store.Facts, error) { return c.facts(ctx) })
	if err != nil {
		return err
	}
	return s.sealer.Holds(kept)
}
