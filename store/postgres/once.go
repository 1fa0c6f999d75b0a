package postgres

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"github.com/plateq/plateq/store"
)

// CommitOnce implements store.Requests. Of several lists of one key at once one
// is the first.
func (s *Store) CommitOnce(ctx context.Context, no store.BatchNo, o store.Once) (store.Batch, error) {
	key, _ := s.sealer.OnceKeys(o)
	b, err := s.commit(ctx, no, nil, key, func(ctx context.Context, t *tx) error { return t.keepOnce(ctx, o, no, "") })
	if twin, ok := errors.AsType[*store.RepeatError](err); ok {
		return twin.Batch, err
	}
	return b, err
}

// once keeps the request for what is no batch, by its id. nil has no key.
func (t *tx) once(ctx context.Context, o *store.Once, made string) error {
	if o == nil {
		return nil
	}
	key, _ := t.s.sealer.OnceKeys(*o)
	if err := t.holdIdentity(ctx, key); err != nil {
		return err
	}
	return t.keepOnce(ctx, *o, 0, made)
}

// BeginOnce implements store.Requests.
func (s *Store) BeginOnce(ctx context.Context, o store.Once, made string) (time.Time, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (time.Time, error) { return t.now, t.once(ctx, &o, made) })
}

// keepOnce keeps a request, of which the key is locked: *store.RepeatError if
// it came before.
func (t *tx) keepOnce(ctx context.Context, o store.Once, no store.BatchNo, made string) error {
	if err := t.repeated(ctx, t.s, o); err != nil {
		return err
	}
	key, said := t.s.sealer.OnceKeys(o)
	err := t.exec(ctx, "INSERT INTO once_keys (key, said, batch, made, at) VALUES ($1, $2, $3, $4, $5)", key, said, no, made, millis(t.now))
	if err != nil {
		return fmt.Errorf("keep key of request: %w", err)
	}
	return nil
}

// Repeated implements store.Requests.
func (s *Store) Repeated(ctx context.Context, o store.Once) error {
	_, err := read(ctx, s, func(ctx context.Context, c conn) (none struct{}, err error) {
		return none, c.repeated(ctx, s, o)
	})
	return err
}

// repeated returns *store.RepeatError if there was a request of that key.
func (c conn) repeated(ctx context.Context, s *Store, o store.Once) error {
	key, said := s.sealer.OnceKeys(o)
	var no store.BatchNo
	var made string
	var kept []byte
	var at int64
	found, err := c.one(ctx, "SELECT batch, made, said, at FROM once_keys WHERE key = $1", []any{key}, &no, &made, &kept, &at)
	if err != nil {
		return fmt.Errorf("look for key of request: %w", err)
	}
	if !found {
		return nil
	}
	e := &store.RepeatError{Made: made, Same: hmac.Equal(kept, said), At: fromMillis(at)}
	if no != 0 {
		if e.Batch, err = c.batch(ctx, s, "no = $1", no); err != nil {
			return err
		}
		e.Made = e.Batch.ID
	}
	return e
}

// ForgetOnce implements store.Requests.
func (s *Store) ForgetOnce(ctx context.Context) (int, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		tag, err := t.Exec(ctx, "DELETE FROM once_keys WHERE at < $1", millis(t.now.Add(-store.OnceLife)))
		if err != nil {
			return 0, fmt.Errorf("forget keys of requests: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}
