package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// queueReadings adds the moving of a provider's figures to a batch of
// statements, behind the tally: nothing else is locked after them, and all
// transactions lock them in the order of their names.
func (t *tx) queueReadings(b *pgx.Batch, provider string, all []providers.Reading) {
	if len(all) == 0 {
		return
	}
	names, values, gauges := make([]string, len(all)), make([]int64, len(all)), make([]bool, len(all))
	for i, r := range all {
		names[i], values[i], gauges[i] = r.Name, r.Value, r.Gauge
	}
	b.Queue(`INSERT INTO readings AS r (provider, name, slot, value, gauge, at)
		SELECT $1, m.name, $2, m.value, m.gauge, $3 FROM unnest($4::text[], $5::bigint[], $6::bool[]) AS m (name, value, gauge)
		ON CONFLICT (provider, name, slot) DO UPDATE SET gauge = excluded.gauge, at = excluded.at,
		value = excluded.value + CASE WHEN excluded.gauge THEN 0 ELSE r.value END`,
		provider, t.raw.slot(), millis(t.now), names, values, gauges)
}

// Readings implements store.Reader.
func (s *Store) Readings(ctx context.Context) ([]store.Reading, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Reading, error) {
		var all []store.Reading
		err := c.each(ctx, "SELECT provider, name, value, gauge, at FROM readings ORDER BY provider, name, at", func(r pgx.Rows) error {
			var slot store.Reading
			var at int64
			err := r.Scan(&slot.Provider, &slot.Name, &slot.Value, &slot.Gauge, &at)
			slot.At = fromMillis(at)
			all = join(all, slot)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read readings: %w", err)
		}
		return all, nil
	})
}

// join adds the next slot of a figure, in the order of time, to those that
// were read.
func join(all []store.Reading, slot store.Reading) []store.Reading {
	if n := len(all); n > 0 && all[n-1].Provider == slot.Provider && all[n-1].Name == slot.Name {
		if !slot.Gauge {
			slot.Value += all[n-1].Value
		}
		all[n-1] = slot
		return all
	}
	return append(all, slot)
}
