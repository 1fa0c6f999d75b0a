package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/plateq/plateq/store"
)

// workerLife is how long a worker is alive after it has beaten.
const workerLife = time.Minute

// vanishedFor is how long a worker that died counts as vanished, and workerKept
// how long it is known at all, from its last heartbeat on.
const (
	vanishedFor = time.Hour
	workerKept  = 24 * time.Hour
)

// beats are the heartbeats of this process, from the moment in which they were
// asked for: one that waits for the writer, or that a full disk refuses, must
// not make a worker dead that everybody here sees at work.
type beats struct {
	mu sync.Mutex
	m  map[store.WorkerID]beat
}

type beat struct {
	at      time.Time
	waiting int // calls of Beat under way
}

// note notes that a worker asks for a heartbeat, until end.
func (b *beats) note(w store.WorkerID, now time.Time) (end func(now time.Time)) {
	change := func(now time.Time, by int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if last, here := b.m[w]; here || by > 0 { // else it has retired meanwhile
			if b.m == nil {
				b.m = map[store.WorkerID]beat{}
			}
			b.m[w] = beat{at: now, waiting: last.waiting + by}
		}
	}
	change(now, 1)
	return func(now time.Time) { change(now, -1) }
}

func (b *beats) forget(w store.WorkerID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, w)
}

// living lists the workers that have beaten since, or are about to. The others
// are forgotten.
func (b *beats) living(since time.Time) []store.WorkerID {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := []store.WorkerID{}
	for w, last := range b.m {
		if last.waiting > 0 || last.at.After(since) {
			all = append(all, w)
			continue
		}
		delete(b.m, w)
	}
	return all
}

// Beat implements store.Store.
func (s *Store) Beat(ctx context.Context, w store.WorkerID) error {
	end := s.beats.note(w, s.clock())
	defer func() { end(s.clock()) }()
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		err = t.exec("INSERT INTO workers (id, beat_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at", w, t.now)
		if err != nil {
			return none, fmt.Errorf("write heartbeat: %w", err)
		}
		return none, nil
	})
	return err
}

// Pulse implements store.Store.
func (s *Store) Pulse(ctx context.Context) (time.Time, error) {
	return write(ctx, s, func(t *tx) (time.Time, error) { return t.now, nil })
}

// FreeTickets implements store.Work.
func (s *Store) FreeTickets(ctx context.Context) (int, error) {
	now := s.clock()
	living, err := json.Marshal(s.beats.living(now.Add(-workerLife)))
	if err != nil {
		return 0, fmt.Errorf("free tickets of dead workers: %w", err)
	}
	return write(ctx, s, func(t *tx) (int, error) {
		err := t.exec(`UPDATE tickets SET lease_until = 0, owner = '' WHERE closed = 0 AND lease_until > 0
			AND owner NOT IN (SELECT value FROM json_each(?2))
			AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = tickets.owner AND w.beat_at > ?1)`, now.Add(-workerLife), string(living))
		if err != nil {
			return 0, fmt.Errorf("free tickets of dead workers: %w", err)
		}
		freed := t.Changes()
		if err := t.exec("DELETE FROM workers WHERE beat_at <= ? AND id NOT IN (SELECT value FROM json_each(?))", now.Add(-workerKept), string(living)); err != nil {
			return 0, fmt.Errorf("forget dead workers: %w", err)
		}
		return freed, nil
	})
}

// Vanished implements store.Reader.
func (s *Store) Vanished(ctx context.Context) (int, error) {
	now := s.clock()
	living, err := json.Marshal(s.beats.living(now.Add(-workerLife)))
	if err != nil {
		return 0, fmt.Errorf("count workers that vanished: %w", err)
	}
	return read(ctx, s, func(c conn) (int, error) {
		n, err := c.number("SELECT count(*) FROM workers WHERE beat_at <= ? AND beat_at > ? AND id NOT IN (SELECT value FROM json_each(?))",
			now.Add(-workerLife), now.Add(-vanishedFor), string(living))
		if err != nil {
			return 0, fmt.Errorf("count workers that vanished: %w", err)
		}
		return int(n), nil
	})
}

// Retire implements store.Store.
func (s *Store) Retire(ctx context.Context, w store.WorkerID) error {
	s.beats.forget(w)
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
