package sqlite

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// CommitOnce implements store.Requests.
func (s *Store) CommitOnce(ctx context.Context, no store.BatchNo, o store.Once) (store.Batch, error) {
	b, err := s.commit(ctx, no, nil, func(t *tx, _ *header) error { return t.once(&o, no, "") })
	if twin, ok := errors.AsType[*store.RepeatError](err); ok {
		return twin.Batch, err
	}
	return b, err
}

// once keeps the request for a batch or, with 0, for what else has that id:
// *store.RepeatError if it came before. nil has no key.
func (t *tx) once(o *store.Once, no store.BatchNo, made string) error {
	if o == nil {
		return nil
	}
	if err := t.repeated(t.s, *o); err != nil {
		return err
	}
	key, said := t.s.sealer.OnceKeys(*o)
	if err := t.exec("INSERT INTO once_keys (key, said, batch, made, at) VALUES (?, ?, ?, ?, ?)", key, said, no, made, t.now); err != nil {
		return fmt.Errorf("keep key of request: %w", err)
	}
	return nil
}

// BeginOnce implements store.Requests.
func (s *Store) BeginOnce(ctx context.Context, o store.Once, made string) (time.Time, error) {
	return write(ctx, s, func(t *tx) (time.Time, error) { return t.now, t.once(&o, 0, made) })
}

// Repeated implements store.Requests.
func (s *Store) Repeated(ctx context.Context, o store.Once) error {
	_, err := read(ctx, s, func(c conn) (none struct{}, err error) { return none, c.repeated(s, o) })
	return err
}

// repeated returns *store.RepeatError if there was a request of that key.
func (c conn) repeated(s *Store, o store.Once) error {
	key, said := s.sealer.OnceKeys(o)
	var no store.BatchNo
	var made string
	var kept []byte
	var at time.Time
	found, err := c.one("SELECT batch, made, said, at FROM once_keys WHERE key = ?", func(stmt *sqlite.Stmt) {
		no, made, kept, at = columnBatch(stmt, 0), stmt.ColumnText(1), columnBytes(stmt, 2), columnTime(stmt, 3)
	}, key)
	if err != nil {
		return fmt.Errorf("look for key of request: %w", err)
	}
	if !found {
		return nil
	}
	e := &store.RepeatError{Made: made, Same: hmac.Equal(kept, said), At: at}
	if no != 0 {
		if e.Batch, err = c.batch(s, "no = ?", no); err != nil {
			return err
		}
		e.Made = e.Batch.ID
	}
	return e
}

// ForgetOnce implements store.Requests.
func (s *Store) ForgetOnce(ctx context.Context) (int, error) {
	return write(ctx, s, func(t *tx) (int, error) {
		if err := t.exec("DELETE FROM once_keys WHERE at < ?", t.now.Add(-store.OnceLife)); err != nil {
			return 0, fmt.Errorf("forget keys of requests: %w", err)
		}
		return t.Changes(), nil
	})
}
