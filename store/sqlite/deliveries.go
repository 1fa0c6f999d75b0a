package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// dueHooks are hooks that have deliveries due and no pause, those that were
// asked longest ago first. Its parameter is the time.
const dueHooks = `SELECT no, id, tenant, role, body, failures, retry_at,
	(SELECT count(*) FROM deliveries d WHERE d.hook = h.no AND d.out_until > ?1) FROM hooks h
	WHERE disabled_at = 0 AND retry_at <= ?1 AND EXISTS (SELECT 1 FROM deliveries d WHERE d.hook = h.no AND d.state = 1 AND d.due_at <= ?1)
	ORDER BY asked_at, no`

// lane is a hook to which deliveries may go.
type lane struct {
	store.Lane
	no       store.HookNo
	id       string
	tenant   string
	role     store.HookRole
	body     []byte
	underWay int
}

// ClaimDeliveries implements store.Outbox.
func (s *Store) ClaimDeliveries(ctx context.Context, r store.DeliveryClaim) ([]store.OpenDelivery, error) {
	now := s.clock()
	there, err := read(ctx, s, func(c conn) (bool, error) { return c.one(dueHooks, func(*sqlite.Stmt) {}, now) })
	if err != nil || !there {
		return nil, err
	}
	return write(ctx, s, func(t *tx) (taken []store.OpenDelivery, err error) {
		var lanes []lane
		err = t.each(dueHooks, func(stmt *sqlite.Stmt) error {
			lanes = append(lanes, lane{
				no: store.HookNo(stmt.ColumnInt64(0)), id: stmt.ColumnText(1), tenant: stmt.ColumnText(2), role: store.HookRole(stmt.ColumnInt(3)),
				body: columnBytes(stmt, 4), Lane: columnLane(stmt, 5), underWay: stmt.ColumnInt(7),
			})
			return nil
		}, t.now)
		for _, l := range lanes {
			room := min(l.Room(r.PerHook, l.underWay, t.now), r.Limit-len(taken))
			if err != nil || room <= 0 {
				continue
			}
			var some []store.OpenDelivery
			some, err = t.takeDeliveries(l, room, r)
			taken = append(taken, some...)
		}
		if err != nil {
			return nil, fmt.Errorf("claim deliveries: %w", err)
		}
		return taken, nil
	})
}

func (t *tx) takeDeliveries(l lane, n int, r store.DeliveryClaim) ([]store.OpenDelivery, error) {
	body, err := t.s.sealer.OpenHook(l.no, l.body)
	if err != nil {
		return nil, err
	}
	secrets := body
	if l.role == store.HookCallback {
		if secrets, err = t.callbackSecret(l.tenant); err != nil {
			return nil, err
		}
	}
	var taken []store.OpenDelivery
	err = t.each(`SELECT d.no, d.lease, d.attempts, e.id, e.kind, e.at, e.data FROM deliveries d JOIN events e ON e.no = d.event
		WHERE d.hook = ? AND d.state = 1 AND d.due_at <= ? ORDER BY d.due_at, d.no LIMIT ?`, func(stmt *sqlite.Stmt) error {
		taken = append(taken, store.OpenDelivery{
			No: store.DeliveryNo(stmt.ColumnInt64(0)), Lease: stmt.ColumnInt64(1) + 1, Attempt: stmt.ColumnInt(2) + 1,
			Hook: l.id, URL: body.URL, Secrets: secrets.Keys(t.now),
			Event: stmt.ColumnText(3), Kind: store.EventKind(stmt.ColumnText(4)), At: columnTime(stmt, 5), Data: columnBytes(stmt, 6),
		})
		return nil
	}, l.no, t.now, n)
	for _, d := range taken {
		if err == nil {
			err = t.exec("UPDATE deliveries SET lease = ?, attempts = ?, due_at = ?, out_until = ? WHERE no = ?", d.Lease, d.Attempt, r.Until, r.Until, d.No)
		}
	}
	if err == nil {
		err = t.exec("UPDATE hooks SET asked_at = ? WHERE no = ?", t.now, l.no)
	}
	return taken, err
}

func (t *tx) callbackSecret(tenant string) (body store.HookBody, err error) {
	var opened error
	_, err = t.one("SELECT no, body FROM hooks WHERE key = ?", func(stmt *sqlite.Stmt) {
		body, opened = t.s.sealer.OpenHook(store.HookNo(stmt.ColumnInt64(0)), columnBytes(stmt, 1))
	}, t.s.sealer.CallbackKey(tenant, ""))
	return body, errors.Join(err, opened)
}

// SettleDelivery implements store.Outbox.
func (s *Store) SettleDelivery(ctx context.Context, r store.DeliveryResult) (bool, error) {
	ok, err := write(ctx, s, func(t *tx) (bool, error) {
		var hook store.HookNo
		var was store.Lane
		var state store.DeliveryState
		found, err := t.one(`SELECT h.no, h.failures, h.retry_at, d.until_at FROM deliveries d JOIN hooks h ON h.no = d.hook
			WHERE d.no = ? AND d.lease = ? AND d.state = 1 AND d.out_until > 0`, func(stmt *sqlite.Stmt) {
			hook, was = store.HookNo(stmt.ColumnInt64(0)), columnLane(stmt, 1)
			state = r.Ends(columnTime(stmt, 3))
		}, r.No, r.Lease)
		if err != nil || !found {
			return false, err
		}
		return true, errors.Join(t.saveDelivery(r, state), t.saveLane(hook, was, was.After(r, t.now)), t.disable(hook, r.Gone))
	})
	if err != nil {
		return false, fmt.Errorf("settle delivery: %w", err)
	}
	return ok, nil
}

func (t *tx) saveDelivery(r store.DeliveryResult, state store.DeliveryState) error {
	ended := t.now
	if state == store.DeliveryPending {
		ended = fromMillis(0)
	}
	return t.exec("UPDATE deliveries SET state = ?, due_at = ?, out_until = 0, tried_at = ?, ended_at = ?, status = ?, reason = ? WHERE no = ?",
		int(state), r.Again, t.now, ended, r.Status, r.Reason, r.No)
}

// saveLane writes how a hook answers. One that answers again gets at once what
// had to wait for it.
func (t *tx) saveLane(hook store.HookNo, was, is store.Lane) error {
	if was == is {
		return nil
	}
	err := t.exec("UPDATE hooks SET failures = ?, retry_at = ? WHERE no = ?", is.Failures, is.RetryAt, hook)
	if err == nil && was.Broken() && !is.Broken() {
		err = t.exec("UPDATE deliveries SET due_at = ?1 WHERE hook = ?2 AND state = 1 AND due_at > ?1 AND out_until = 0", t.now, hook)
	}
	return err
}

// disable tells a hook nothing more, if that is what it wants.
func (t *tx) disable(hook store.HookNo, gone bool) error {
	if !gone {
		return nil
	}
	return errors.Join(
		t.exec("UPDATE hooks SET disabled_at = ? WHERE no = ?", t.now, hook),
		t.exec("UPDATE deliveries SET state = 3, ended_at = ?, out_until = 0, reason = ? WHERE hook = ? AND state = 1", t.now, store.ReasonGone, hook))
}

const deliveryColumns = `d.no, d.id, h.id, e.id, e.kind, coalesce(b.id, ''), d.state, d.attempts, d.created_at, d.due_at, d.tried_at, d.ended_at, d.status, d.reason
	FROM deliveries d JOIN hooks h ON h.no = d.hook JOIN events e ON e.no = d.event LEFT JOIN batches b ON b.no = e.batch`

// Deliveries implements store.Outbox.
func (s *Store) Deliveries(ctx context.Context, f store.DeliveryFilter) ([]store.Delivery, error) {
	where, args := []string{"true"}, []any{}
	add := func(given bool, clause string, value any) {
		if given {
			where, args = append(where, clause), append(args, value)
		}
	}
	add(f.Tenant != "", "h.tenant = ?", f.Tenant)
	add(f.Hook != "", "h.id = ?", f.Hook)
	add(f.Batch != "", "b.id = ?", f.Batch)
	add(f.Kind != "", "e.kind = ?", string(f.Kind))
	add(f.State != 0, "d.state = ?", int(f.State))
	add(f.Before > 0, "d.no < ?", f.Before)
	args = append(args, cmp.Or(f.Limit, 100))
	return read(ctx, s, func(c conn) ([]store.Delivery, error) {
		return c.deliveries(strings.Join(where, " AND ")+" ORDER BY d.no DESC LIMIT ?", args...)
	})
}

func (c conn) deliveries(where string, args ...any) ([]store.Delivery, error) {
	var all []store.Delivery
	err := c.each("SELECT "+deliveryColumns+" WHERE "+where, func(stmt *sqlite.Stmt) error {
		d := store.Delivery{
			No: store.DeliveryNo(stmt.ColumnInt64(0)), ID: stmt.ColumnText(1), Hook: stmt.ColumnText(2), Event: stmt.ColumnText(3),
			Kind: store.EventKind(stmt.ColumnText(4)), Batch: stmt.ColumnText(5), State: store.DeliveryState(stmt.ColumnInt(6)),
			Attempts: stmt.ColumnInt(7), Created: columnTime(stmt, 8), Due: columnTime(stmt, 9), Tried: columnTime(stmt, 10),
			Ended: columnTime(stmt, 11), Status: stmt.ColumnInt(12), Reason: stmt.ColumnText(13),
		}
		all = append(all, d)
		return nil
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return all, nil
}

// Replay implements store.Outbox.
func (s *Store) Replay(ctx context.Context, tenant, id string) (store.Delivery, error) {
	return write(ctx, s, func(t *tx) (store.Delivery, error) {
		var no, event, disabled int64
		var hook store.HookNo
		var pending bool
		found, err := t.one(`SELECT d.no, d.event, d.hook, d.state = 1, h.disabled_at FROM deliveries d JOIN hooks h ON h.no = d.hook
			WHERE d.id = ? AND (? = '' OR h.tenant = ?)`, func(stmt *sqlite.Stmt) {
			no, event, hook = stmt.ColumnInt64(0), stmt.ColumnInt64(1), store.HookNo(stmt.ColumnInt64(2))
			pending, disabled = stmt.ColumnBool(3), stmt.ColumnInt64(4)
		}, id, tenant, tenant)
		switch {
		case err != nil:
		case !found:
			return store.Delivery{}, store.ErrNoDelivery
		case disabled > 0:
			return store.Delivery{}, store.ErrHookDisabled
		case pending:
			err = t.exec("UPDATE deliveries SET due_at = min(due_at, ?) WHERE no = ? AND out_until = 0", t.now, no)
		default:
			err = t.addDelivery(event, hook)
			no = t.LastInsertRowID()
		}
		if err != nil {
			return store.Delivery{}, fmt.Errorf("replay delivery: %w", err)
		}
		all, err := t.deliveries("d.no = ?", no)
		if err != nil {
			return store.Delivery{}, err
		}
		return all[0], nil
	})
}

// TidyOutbox implements store.Outbox.
func (s *Store) TidyOutbox(ctx context.Context) (int, error) {
	const over = "state = 1 AND until_at <= ? AND (out_until = 0 OR out_until <= ?)"
	now := s.clock()
	old := now.Add(-store.OutboxLife)
	there, err := read(ctx, s, func(c conn) (int64, error) {
		return c.number(`SELECT EXISTS (SELECT 1 FROM deliveries WHERE `+over+`) OR EXISTS (SELECT 1 FROM deliveries WHERE state <> 1 AND ended_at <= ?)
			OR EXISTS (SELECT 1 FROM events WHERE at <= ?)`, now, now, old, old)
	})
	if err != nil || there == 0 {
		return 0, err
	}
	return write(ctx, s, func(t *tx) (int, error) {
		err := t.exec("UPDATE deliveries SET state = 3, ended_at = ?, out_until = 0, reason = ? WHERE "+over, now, store.ReasonExpired, now, now)
		n := t.Changes()
		if err == nil {
			err = t.exec("DELETE FROM deliveries WHERE no IN (SELECT no FROM deliveries WHERE state <> 1 AND ended_at <= ? LIMIT ?)", old, store.TidyAtOnce)
		}
		if err == nil {
			err = t.exec(`DELETE FROM events WHERE no IN (SELECT no FROM events e WHERE at <= ?
				AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.no) LIMIT ?)`, old, store.TidyAtOnce)
		}
		if err != nil {
			return 0, fmt.Errorf("tidy outbox: %w", err)
		}
		return n, nil
	})
}
