package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// AddHook implements store.Outbox.
func (s *Store) AddHook(ctx context.Context, n store.NewHook, o *store.Once) (store.Hook, error) {
	n.Tenant, n.ID = cmp.Or(n.Tenant, store.DefaultTenant), cmp.Or(n.ID, store.NewHookID())
	return write(ctx, s, func(t *tx) (store.Hook, error) {
		if err := t.once(o, 0, n.ID); err != nil {
			return store.Hook{}, err
		}
		body := store.HookBody{URL: n.URL}.Rotate(n.Secret, t.now, 0)
		no, err := t.addHook(n.ID, n.Tenant, store.HookEndpoint, nil, store.KindsOf(n.Events...), body)
		if err != nil {
			return store.Hook{}, fmt.Errorf("add hook: %w", err)
		}
		all, err := t.hooks(s, "no = ?", no)
		if err != nil {
			return store.Hook{}, err
		}
		return all[0], nil
	})
}

// addHook writes a hook that is not there.
func (t *tx) addHook(id, tenant string, role store.HookRole, key []byte, kinds store.Kinds, body store.HookBody) (store.HookNo, error) {
	err := t.exec("INSERT INTO hooks (id, tenant, role, key, kinds, body, created_at) VALUES (?, ?, ?, ?, ?, x'', ?)",
		id, tenant, int(role), optional(key), int64(kinds), t.now)
	if err != nil {
		return 0, err
	}
	no := store.HookNo(t.LastInsertRowID())
	return no, t.sealHook(no, body)
}

func (t *tx) sealHook(no store.HookNo, body store.HookBody) error {
	sealed, err := t.s.sealer.SealHook(no, body)
	if err != nil {
		return err
	}
	return t.exec("UPDATE hooks SET body = ? WHERE no = ?", sealed, no)
}

// callBack has the URL told of a batch that it names.
func (t *tx) callBack(no store.BatchNo, b store.NewBatch) error {
	hook, err := t.callback(b.Tenant, b.Callback)
	if err != nil {
		return err
	}
	if err := t.exec("UPDATE batches SET callback = ? WHERE no = ?", hook, no); err != nil {
		return fmt.Errorf("begin batch: %w", err)
	}
	return nil
}

// callback returns the hook of a tenant's callbacks to a URL, which whoever
// names it again wants to be told. ErrNoCallbackSecret.
func (t *tx) callback(tenant, url string) (store.HookNo, error) {
	secret, err := t.number("SELECT no FROM hooks WHERE key = ?", t.s.sealer.CallbackKey(tenant, ""))
	if err != nil {
		return 0, fmt.Errorf("read hooks: %w", err)
	}
	if secret == 0 {
		return 0, store.ErrNoCallbackSecret
	}
	key := t.s.sealer.CallbackKey(tenant, url)
	no, err := t.number("SELECT no FROM hooks WHERE key = ?", key)
	switch {
	case err == nil && no == 0:
		var added store.HookNo
		added, err = t.addHook(store.NewHookID(), tenant, store.HookCallback, key, store.CallbackKinds, store.HookBody{URL: url})
		no = int64(added)
	case err == nil:
		err = t.exec("UPDATE hooks SET disabled_at = 0 WHERE no = ?", no)
	}
	if err != nil {
		return 0, fmt.Errorf("add callback: %w", err)
	}
	return store.HookNo(no), nil
}

// Hooks implements store.Outbox.
func (s *Store) Hooks(ctx context.Context, tenant string) ([]store.Hook, error) {
	return read(ctx, s, func(c conn) ([]store.Hook, error) {
		return c.hooks(s, "role <> ? AND (? = '' OR tenant = ?) ORDER BY no", int(store.HookSecret), tenant, tenant)
	})
}

func (c conn) hooks(s *Store, where string, args ...any) ([]store.Hook, error) {
	var all []store.Hook
	err := c.each(`SELECT no, id, tenant, role, kinds, body, created_at, disabled_at, failures, retry_at,
		(SELECT count(*) FROM deliveries d WHERE d.hook = h.no AND d.state = 1) FROM hooks h WHERE `+where, func(stmt *sqlite.Stmt) error {
		h := store.Hook{
			No: store.HookNo(stmt.ColumnInt64(0)), ID: stmt.ColumnText(1), Tenant: stmt.ColumnText(2), Role: store.HookRole(stmt.ColumnInt(3)),
			Events: store.Kinds(stmt.ColumnInt64(4)).List(), Created: columnTime(stmt, 6), Disabled: columnTime(stmt, 7),
			Lane: columnLane(stmt, 8), Pending: stmt.ColumnInt(10),
		}
		body, err := s.sealer.OpenHook(h.No, columnBytes(stmt, 5))
		h.URL = body.URL
		all = append(all, h)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read hooks: %w", err)
	}
	return all, nil
}

func columnLane(stmt *sqlite.Stmt, i int) store.Lane {
	return store.Lane{Failures: stmt.ColumnInt(i), RetryAt: columnTime(stmt, i+1)}
}

// RotateHook implements store.Outbox.
func (s *Store) RotateHook(ctx context.Context, r store.Rotation) error {
	r.Tenant = cmp.Or(r.Tenant, store.DefaultTenant)
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		key := s.sealer.CallbackKey(r.Tenant, "")
		query, arg := "SELECT no, body FROM hooks WHERE tenant = ? AND role = 0 AND id = ?", any(r.ID)
		if r.ID == store.CallbacksID {
			query, arg = "SELECT no, body FROM hooks WHERE tenant = ? AND key = ?", key
		}
		var no store.HookNo
		var sealed []byte
		found, err := t.one(query, func(stmt *sqlite.Stmt) {
			no, sealed = store.HookNo(stmt.ColumnInt64(0)), columnBytes(stmt, 1)
		}, r.Tenant, arg)
		if err != nil {
			return none, fmt.Errorf("read hook: %w", err)
		}
		switch {
		case found:
			var body store.HookBody
			if body, err = s.sealer.OpenHook(no, sealed); err == nil {
				err = t.sealHook(no, body.Rotate(r.Secret, t.now, r.Overlap))
			}
		case r.ID == store.CallbacksID:
			_, err = t.addHook(store.NewHookID(), r.Tenant, store.HookSecret, key, 0, store.HookBody{}.Rotate(r.Secret, t.now, 0))
		default:
			return none, store.ErrNoHook
		}
		if err != nil {
			return none, fmt.Errorf("rotate secret: %w", err)
		}
		return none, nil
	})
	return err
}

// RemoveHook implements store.Outbox.
func (s *Store) RemoveHook(ctx context.Context, tenant, id string) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		no, err := t.number("SELECT no FROM hooks WHERE tenant = ? AND id = ? AND role <> ?",
			cmp.Or(tenant, store.DefaultTenant), id, int(store.HookSecret))
		if err == nil && no == 0 {
			return none, store.ErrNoHook
		}
		if err == nil {
			err = errors.Join(t.exec("DELETE FROM deliveries WHERE hook = ?", no), t.exec("DELETE FROM hooks WHERE no = ?", no))
		}
		if err != nil {
			return none, fmt.Errorf("remove hook: %w", err)
		}
		return none, nil
	})
	return err
}
