package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Reseal implements store.Resealing.
func (s *Store) Reseal(ctx context.Context, from store.ResealPlace) (store.Resealed, error) {
	return writeAlone(ctx, s, func(t *tx) (store.Resealed, error) {
		step, more := s.sealer.NewResealStep(from)
		if !more {
			return store.Resealed{Next: from, Done: true}, nil
		}
		c := step.Column
		changed := map[int64][]byte{}
		err := t.each(fmt.Sprintf("SELECT %[1]s, %[2]s FROM %[3]s WHERE %[1]s > ? AND %[2]s IS NOT NULL ORDER BY %[1]s LIMIT ?", c.Key, c.Name, c.Table),
			func(stmt *sqlite.Stmt) error {
				key := stmt.ColumnInt64(0)
				if fresh := step.Value(key, columnBytes(stmt, 1)); fresh != nil {
					changed[key] = fresh
				}
				return nil
			}, step.After, step.Limit)
		for key, fresh := range changed {
			if err != nil {
				break
			}
			err = t.exec(fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", c.Table, c.Name, c.Key), fresh, key)
		}
		if err != nil {
			return store.Resealed{}, fmt.Errorf("seal %s anew: %w", c.Table, err)
		}
		return step.End(), nil
	})
}

// ForgetSealKeys implements store.Resealing.
func (s *Store) ForgetSealKeys(ctx context.Context) ([]string, error) {
	return write(ctx, s, func(t *tx) ([]string, error) {
		kept, err := t.facts()
		if err != nil {
			return nil, err
		}
		facts, replaced, keys := s.sealer.Superseded(kept)
		for _, name := range facts {
			if err := t.exec("DELETE FROM meta WHERE name = ?", name); err != nil {
				return nil, fmt.Errorf("forget sealing key: %w", err)
			}
		}
		return keys, t.sign(replaced)
	})
}

// HoldsKeys implements store.Resealing.
func (s *Store) HoldsKeys(ctx context.Context) error {
	kept, err := read(ctx, s, func(c conn) (store.Facts, error) { return c.facts() })
	if err != nil {
		return err
	}
	return s.sealer.Holds(kept)
}
