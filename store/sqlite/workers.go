package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/plateq/plateq/store"
)

// workerLife is how long a worker is alive after it has beaten.
const workerLife = time.Minute

// Beat implements store.Store.
func (s *Store) Beat(ctx context.Context, w store.WorkerID) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		err = t.exec("INSERT INTO workers (id, beat_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at", w, t.now)
		if err != nil {
			return none, fmt.Errorf("write heartbeat: %w", err)
		}
		return none, nil
	})
	return err
}

// Retire implements store.Store.
func (s *Store) Retire(ctx context.Context, w store.WorkerID) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		if err = t.exec("DELETE FROM workers WHERE id = ?", w); err == nil {
			err = t.exec("UPDATE tickets SET lease_until = 0, owner = '' WHERE closed = 0 AND lease_until > 0 AND owner = ?", w)
		}
		if err != nil {
			return none, fmt.Errorf("retire worker: %w", err)
		}
		return none, nil
	})
	return err
}
