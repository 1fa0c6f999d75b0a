package postgres

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"

	"github.com/plateq/plateq/store"
)

// CommitOnce implements store.Requests. Of several lists of one key at once one
// is the first.
func (s *Store) CommitOnce(ctx context.Context, no store.BatchNo, o store.Once) (store.Batch, error) {
	owner, err := s.BatchByNo(ctx, no)
	if err != nil {
		return store.Batch{}, err
	}
	key, said := s.sealer.OnceKeys(owner.Tenant, o)
	b, err := s.commit(ctx, no, nil, key, func(ctx context.Context, t *tx) error {
		if err := t.repeated(ctx, s, owner.Tenant, o); err != nil {
			return err
		}
		err := t.exec(ctx, "INSERT INTO once_keys (key, said, batch, at) VALUES ($1, $2, $3, $4)", key, said, no, millis(t.now))
		if err != nil {
			return fmt.Errorf("keep key of request: %w", err)
		}
		return nil
	})
	if twin, ok := errors.AsType[*store.RepeatError](err); ok {
		return twin.Batch, err
	}
	return b, err
}

// Repeated implements store.Requests.
func (s *Store) Repeated(ctx context.Context, tenant string, o store.Once) error {
	_, err := read(ctx, s, func(ctx context.Context, c conn) (none struct{}, err error) {
		return none, c.repeated(ctx, s, tenant, o)
	})
	return err
}

// repeated returns *store.RepeatError if there is a list of that key.
func (c conn) repeated(ctx context.Context, s *Store, tenant string, o store.Once) error {
	key, said := s.sealer.OnceKeys(tenant, o)
	var no store.BatchNo
	var kept []byte
	found, err := c.one(ctx, "SELECT batch, said FROM once_keys WHERE key = $1", []any{key}, &no, &kept)
	if err != nil {
		return fmt.Errorf("look for key of request: %w", err)
	}
	if !found {
		return nil
	}
	b, err := c.batch(ctx, s, "no = $1", no)
	if err != nil {
		return err
	}
	return &store.RepeatError{Batch: b, Same: hmac.Equal(kept, said)}
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
