package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// AddHook implements store.Outbox.
func (s *Store) AddHook(ctx context.Context, n store.NewHook, o *store.Once) (store.Hook, error) {
	n.Tenant, n.ID = cmp.Or(n.Tenant, store.DefaultTenant), cmp.Or(n.ID, store.NewHookID())
	return write(ctx, s, func(ctx context.Context, t *tx) (store.Hook, error) {
		if err := t.once(ctx, o, n.ID); err != nil {
			return store.Hook{}, err
		}
		body := store.HookBody{URL: n.URL}.Rotate(n.Secret, t.now, 0)
		no, err := t.addHook(ctx, n.ID, n.Tenant, store.HookEndpoint, nil, store.KindsOf(n.Events...), body)
		if err != nil {
			return store.Hook{}, fmt.Errorf("add hook: %w", err)
		}
		all, err := t.hooks(ctx, s, "no = $1", no)
		if err != nil {
			return store.Hook{}, err
		}
		return all[0], nil
	})
}

// addHook writes a hook. Of two who add the one of a key at once the second
// waits here for the first, and then begins anew and finds it.
func (t *tx) addHook(ctx context.Context, id, tenant string, role store.HookRole, key []byte, kinds store.Kinds, body store.HookBody) (no store.HookNo, err error) {
	if _, err := t.one(ctx, "SELECT nextval(pg_get_serial_sequence('hooks', 'no'))", nil, &no); err != nil {
		return 0, err
	}
	sealed, err := t.s.sealer.SealHook(no, body)
	if err != nil {
		return 0, err
	}
	tag, err := t.Exec(ctx, `INSERT INTO hooks (no, id, tenant, role, key, kinds, body, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (key) DO NOTHING`, no, id, tenant, int(role), key, int64(kinds), sealed, millis(t.now))
	if err == nil && tag.RowsAffected() == 0 {
		err = errAgain
	}
	return no, err
}

// callBack has the URL told of a batch that it names.
func (t *tx) callBack(ctx context.Context, no store.BatchNo, b store.NewBatch) error {
	hook, err := t.callback(ctx, b.Tenant, b.Callback)
	if err != nil {
		return err
	}
	return t.exec(ctx, "UPDATE batches SET callback = $1 WHERE no = $2", hook, no)
}

// callback returns the hook of a tenant's callbacks to a URL, which whoever
// names it again wants to be told. ErrNoCallbackSecret.
func (t *tx) callback(ctx context.Context, tenant, url string) (no store.HookNo, err error) {
	secret, err := t.truth(ctx, "SELECT EXISTS (SELECT 1 FROM hooks WHERE key = $1)", t.s.sealer.CallbackKey(tenant, ""))
	if err == nil && !secret {
		return 0, store.ErrNoCallbackSecret
	}
	key := t.s.sealer.CallbackKey(tenant, url)
	found := false
	if err == nil {
		found, err = t.one(ctx, "SELECT no FROM hooks WHERE key = $1", []any{key}, &no)
	}
	switch {
	case err != nil:
	case found:
		err = t.exec(ctx, "UPDATE hooks SET disabled_at = 0 WHERE no = $1 AND disabled_at > 0", no)
	default:
		no, err = t.addHook(ctx, store.NewHookID(), tenant, store.HookCallback, key, store.CallbackKinds, store.HookBody{URL: url})
	}
	if err != nil {
		return 0, fmt.Errorf("add callback: %w", err)
	}
	return no, nil
}

// Hooks implements store.Outbox.
func (s *Store) Hooks(ctx context.Context, tenant string) ([]store.Hook, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Hook, error) {
		return c.hooks(ctx, s, "role <> $1 AND ($2 = '' OR tenant = $2) ORDER BY no", int(store.HookSecret), tenant)
	})
}

func (c conn) hooks(ctx context.Context, s *Store, where string, args ...any) ([]store.Hook, error) {
	var all []store.Hook
	err := c.each(ctx, `SELECT no, id, tenant, role, kinds, body, created_at, disabled_at, failures, retry_at,
		(SELECT count(*) FROM deliveries d WHERE d.hook = h.no AND d.state = 1) FROM hooks h WHERE `+where, func(r pgx.Rows) error {
		var h store.Hook
		var kinds, created, disabled, retry int64
		var sealed []byte
		err := r.Scan(&h.No, &h.ID, &h.Tenant, &h.Role, &kinds, &sealed, &created, &disabled, &h.Lane.Failures, &retry, &h.Pending)
		if err != nil {
			return err
		}
		h.Events, h.Created, h.Disabled, h.Lane.RetryAt = store.Kinds(kinds).List(), fromMillis(created), fromMillis(disabled), fromMillis(retry)
		body, err := s.sealer.OpenHook(h.No, sealed)
		h.URL = body.URL
		all = append(all, h)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read hooks: %w", err)
	}
	return all, nil
}

// RotateHook implements store.Outbox.
func (s *Store) RotateHook(ctx context.Context, r store.Rotation) error {
	r.Tenant = cmp.Or(r.Tenant, store.DefaultTenant)
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		key := s.sealer.CallbackKey(r.Tenant, "")
		query, arg := "SELECT no, body FROM hooks WHERE tenant = $1 AND role = 0 AND id = $2 FOR UPDATE", any(r.ID)
		if r.ID == store.CallbacksID {
			query, arg = "SELECT no, body FROM hooks WHERE tenant = $1 AND key = $2 FOR UPDATE", key
		}
		var no store.HookNo
		var sealed []byte
		found, err := t.one(ctx, query, []any{r.Tenant, arg}, &no, &sealed)
		if err != nil {
			return none, fmt.Errorf("read hook: %w", err)
		}
		switch {
		case found:
			err = t.rotate(ctx, no, sealed, r)
		case r.ID == store.CallbacksID:
			_, err = t.addHook(ctx, store.NewHookID(), r.Tenant, store.HookSecret, key, 0, store.HookBody{}.Rotate(r.Secret, t.now, 0))
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

func (t *tx) rotate(ctx context.Context, no store.HookNo, sealed []byte, r store.Rotation) error {
	body, err := t.s.sealer.OpenHook(no, sealed)
	if err == nil {
		sealed, err = t.s.sealer.SealHook(no, body.Rotate(r.Secret, t.now, r.Overlap))
	}
	if err != nil {
		return err
	}
	return t.exec(ctx, "UPDATE hooks SET body = $1 WHERE no = $2", sealed, no)
}

// RemoveHook implements store.Outbox.
func (s *Store) RemoveHook(ctx context.Context, tenant, id string) error {
	_, err := write(ctx, s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		var no store.HookNo
		found, err := t.one(ctx, "DELETE FROM hooks WHERE tenant = $1 AND id = $2 AND role <> $3 RETURNING no",
			[]any{cmp.Or(tenant, store.DefaultTenant), id, int(store.HookSecret)}, &no)
		if err == nil && !found {
			return none, store.ErrNoHook
		}
		if err == nil {
			err = t.exec(ctx, "DELETE FROM deliveries WHERE hook = $1", no)
		}
		if err != nil {
			return none, fmt.Errorf("remove hook: %w", err)
		}
		return none, nil
	})
	return err
}
