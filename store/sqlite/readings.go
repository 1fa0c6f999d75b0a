package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// keepReadings moves the figures of a provider.
func (t *tx) keepReadings(provider string, all []providers.Reading) error {
	for _, r := range all {
		err := t.exec(`INSERT INTO readings (provider, name, value, gauge, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (provider, name) DO UPDATE SET value = excluded.value + iif(excluded.gauge, 0, value),
			gauge = excluded.gauge, at = excluded.at`, provider, r.Name, r.Value, r.Gauge, t.now)
		if err != nil {
			return fmt.Errorf("write readings: %w", err)
		}
	}
	return nil
}

// Readings implements store.Reader.
func (s *Store) Readings(ctx context.Context) ([]store.Reading, error) {
	return read(ctx, s, func(c conn) ([]store.Reading, error) {
		var all []store.Reading
		err := c.each("SELECT provider, name, value, gauge, at FROM readings ORDER BY provider, name", func(stmt *sqlite.Stmt) error {
			all = append(all, store.Reading{
				Provider: stmt.ColumnText(0), Name: stmt.ColumnText(1), Value: stmt.ColumnInt64(2),
				Gauge: stmt.ColumnBool(3), At: columnTime(stmt, 4),
			})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read readings: %w", err)
		}
		return all, nil
	})
}
