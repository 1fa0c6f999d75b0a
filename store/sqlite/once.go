package sqlite

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// CommitOnce implements store.Requests.
func (s *Store) CommitOnce(ctx context.Context, no store.BatchNo, o store.Once) (store.Batch, error) {
	b, err := s.commit(ctx, no, nil, func(t *tx, h *header) error {
		if err := t.repeated(s, h.tenant, o); err != nil {
			return err
		}
		key, said := s.sealer.OnceKeys(h.tenant, o)
		if err := t.exec("INSERT INTO once_keys (key, said, batch, at) VALUES (?, ?, ?, ?)", key, said, no, t.now); err != nil {
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
	_, err := read(ctx, s, func(c conn) (none struct{}, err error) { return none, c.repeated(s, tenant, o) })
	return err
}

// repeated returns *store.RepeatError if there is a list of that key.
func (c conn) repeated(s *Store, tenant string, o store.Once) error {
	key, said := s.sealer.OnceKeys(tenant, o)
	var no store.BatchNo
	var kept []byte
	found, err := c.one("SELECT batch, said FROM once_keys WHERE key = ?", func(stmt *sqlite.Stmt) {
		no, kept = columnBatch(stmt, 0), columnBytes(stmt, 1)
	}, key)
	if err != nil {
		return fmt.Errorf("look for key of request: %w", err)
	}
	if !found {
		return nil
	}
	b, err := c.batch(s, "no = ?", no)
	if err != nil {
		return err
	}
	return &store.RepeatError{Batch: b, Same: hmac.Equal(kept, said)}
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
