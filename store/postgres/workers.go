package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

const (
	// workerLife is how long a worker is alive after it has beaten.
	workerLife = time.Minute
	// IntakeLife is how long an intake is alive after its last piece. The next
	// piece of a list comes within seconds, as long as its owner lives.
	IntakeLife = 10 * time.Minute
	// vanishedFor is how long a worker that died counts as vanished, and
	// workerKept how long it is known at all, from its last heartbeat on.
	vanishedFor = time.Hour
	workerKept  = 24 * time.Hour
)

// beatTime is the time of signs of life in SQL, with beat as the parameter:
// the server's, unless the store was given a clock.
func beatTime(parameter string) string {
	return "coalesce(" + parameter + "::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)"
}

// beat is that parameter: NULL for the server's clock.
func (s *Store) beat() *int64 {
	if s.serverClock {
		return nil
	}
	now := millis(s.clock())
	return &now
}

// Beat implements store.Store.
func (s *Store) Beat(ctx context.Context, w store.WorkerID) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		err = t.exec(ctx, "INSERT INTO workers (id, beat_at) VALUES ($1, "+beatTime("$2")+`)
			ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at`, w, s.beat())
		if err != nil {
			return none, fmt.Errorf("write heartbeat: %w", err)
		}
		return none, nil
	})
	return err
}

// Pulse implements store.Store. A standby, which answers who reads, refuses it.
func (s *Store) Pulse(ctx context.Context) (time.Time, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (time.Time, error) {
		var at int64
		// Where nothing is written a commit waits for no disk and for no standby.
		// This is written to the log of the server alone.
		_, err := t.one(ctx, "SELECT "+beatTime("$1")+" FROM pg_logical_emit_message(true, 'plateq', '')", []any{s.beat()}, &at)
		if err != nil {
			return time.Time{}, fmt.Errorf("feel the pulse: %w", err)
		}
		return time.UnixMilli(at), nil
	})
}

// FreeTickets implements store.Work.
func (s *Store) FreeTickets(ctx context.Context) (int, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		tag, err := t.Exec(ctx, `WITH forgotten AS (DELETE FROM workers WHERE beat_at <= `+beatTime("$1")+` - $3)
			UPDATE tickets SET lease_until = 0, owner = '' WHERE id = ANY(ARRAY(
			SELECT id FROM tickets t WHERE NOT closed AND lease_until > 0 AND NOT EXISTS (
				SELECT 1 FROM workers w WHERE w.id = t.owner AND w.beat_at > `+beatTime("$1")+` - $2) ORDER BY id FOR UPDATE))`,
			s.beat(), workerLife.Milliseconds(), workerKept.Milliseconds())
		if err != nil {
			return 0, fmt.Errorf("free tickets of dead workers: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}

// Vanished implements store.Reader.
func (s *Store) Vanished(ctx context.Context) (int, error) {
	return read(ctx, s, func(ctx context.Context, c conn) (n int, err error) {
		_, err = c.one(ctx, "SELECT count(*) FROM workers WHERE beat_at <= "+beatTime("$1")+" - $2 AND beat_at > "+beatTime("$1")+" - $3",
			[]any{s.beat(), workerLife.Milliseconds(), vanishedFor.Milliseconds()}, &n)
		if err != nil {
			return 0, fmt.Errorf("count workers that vanished: %w", err)
		}
		return n, nil
	})
}

// Retire implements store.Store.
func (s *Store) Retire(ctx context.Context, w store.WorkerID) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		b := &pgx.Batch{}
		b.Queue("DELETE FROM workers WHERE id = $1", w)
		b.Queue(`UPDATE tickets SET lease_until = 0, owner = '' WHERE id = ANY(ARRAY(
			SELECT id FROM tickets WHERE owner = $1 AND NOT closed AND lease_until > 0 ORDER BY id FOR UPDATE))`, w)
		if err := t.send(ctx, b); err != nil {
			return none, fmt.Errorf("retire worker: %w", err)
		}
		return none, nil
	})
	return err
}
