package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// dueHooks are hooks that have deliveries due and no pause. Its parameter is the
// time.
const dueHooks = `SELECT no, id, tenant, role, body, failures, retry_at FROM hooks h
	WHERE disabled_at = 0 AND retry_at <= $1 AND EXISTS (SELECT 1 FROM deliveries d WHERE d.hook = h.no AND d.state = 1 AND d.due_at <= $1)`

// openLanes are those of dueHooks that have room for one more, see
// store.Lane.Room, those that were asked longest ago first. Its parameters are
// the time, after how many failures a lane is broken, how many may be under way
// in one that is not, and how many lanes are wanted.
const openLanes = dueHooks + ` AND (SELECT count(*) FROM deliveries d WHERE d.hook = h.no AND d.out_until > $1)
	< CASE WHEN failures >= $2 THEN 1 ELSE $3 END ORDER BY asked_at, no LIMIT $4 FOR UPDATE SKIP LOCKED`

// lane is a hook to which deliveries may go.
type lane struct {
	store.Lane
	no     store.HookNo
	id     string
	tenant string
	role   store.HookRole
	body   []byte
}

// ClaimDeliveries implements store.Outbox. The lock of a hook is that of its
// deliveries: who finds it taken leaves the hook to who has it.
func (s *Store) ClaimDeliveries(ctx context.Context, r store.DeliveryClaim) ([]store.OpenDelivery, error) {
	there, err := read(ctx, s, func(ctx context.Context, c conn) (bool, error) {
		return c.truth(ctx, "SELECT EXISTS ("+dueHooks+")", millis(s.clock()))
	})
	if err != nil || !there {
		return nil, err
	}
	return write(ctx, s, func(ctx context.Context, t *tx) (taken []store.OpenDelivery, err error) {
		var lanes []lane
		err = t.each(ctx, openLanes, func(row pgx.Rows) error {
			var l lane
			var retry int64
			err := row.Scan(&l.no, &l.id, &l.tenant, &l.role, &l.body, &l.Failures, &retry)
			l.RetryAt = fromMillis(retry)
			lanes = append(lanes, l)
			return err
		}, millis(t.now), store.LaneBreaks, r.PerHook, r.Limit)
		for _, l := range lanes {
			if err != nil || len(taken) == r.Limit {
				break
			}
			var some []store.OpenDelivery
			some, err = t.takeDeliveries(ctx, l, r, r.Limit-len(taken))
			taken = append(taken, some...)
		}
		if err != nil {
			return nil, fmt.Errorf("claim deliveries: %w", err)
		}
		return taken, nil
	})
}

func (t *tx) takeDeliveries(ctx context.Context, l lane, r store.DeliveryClaim, most int) ([]store.OpenDelivery, error) {
	var underWay int
	_, err := t.one(ctx, "SELECT count(*) FROM deliveries WHERE hook = $1 AND out_until > $2", []any{l.no, millis(t.now)}, &underWay)
	n := min(l.Room(r.PerHook, underWay, t.now), most)
	if err != nil || n <= 0 {
		return nil, err
	}
	body, err := t.s.sealer.OpenHook(l.no, l.body)
	secrets := body
	if err == nil && l.role == store.HookCallback {
		secrets, err = t.callbackSecret(ctx, l.tenant)
	}
	if err != nil {
		return nil, err
	}
	var taken []store.OpenDelivery
	err = t.each(ctx, `WITH due AS (SELECT no FROM deliveries WHERE hook = $1 AND state = 1 AND due_at <= $2 ORDER BY due_at, no LIMIT $3),
		hook AS (UPDATE hooks SET asked_at = $2 WHERE no = $1)
		UPDATE deliveries d SET lease = lease + 1, attempts = attempts + 1, due_at = $4, out_until = $4 FROM due, events e
		WHERE d.no = due.no AND e.no = d.event RETURNING d.no, d.lease, d.attempts, e.id, e.kind, e.at, e.data`, func(row pgx.Rows) error {
		d := store.OpenDelivery{Hook: l.id, URL: body.URL, Secrets: secrets.Keys(t.now)}
		var at int64
		err := row.Scan(&d.No, &d.Lease, &d.Attempt, &d.Event, &d.Kind, &at, &d.Data)
		d.At = fromMillis(at)
		taken = append(taken, d)
		return err
	}, l.no, millis(t.now), n, millis(r.Until))
	return taken, err
}

func (t *tx) callbackSecret(ctx context.Context, tenant string) (store.HookBody, error) {
	var no store.HookNo
	var sealed []byte
	found, err := t.one(ctx, "SELECT no, body FROM hooks WHERE key = $1", []any{t.s.sealer.CallbackKey(tenant, "")}, &no, &sealed)
	if err != nil || !found {
		return store.HookBody{}, err
	}
	return t.s.sealer.OpenHook(no, sealed)
}

// SettleDelivery implements store.Outbox.
func (s *Store) SettleDelivery(ctx context.Context, r store.DeliveryResult) (bool, error) {
	ok, err := write(ctx, s, func(ctx context.Context, t *tx) (bool, error) {
		var hook store.HookNo
		var was store.Lane
		var retry int64
		found, err := t.one(ctx, "SELECT no, failures, retry_at FROM hooks WHERE no = (SELECT hook FROM deliveries WHERE no = $1) FOR UPDATE",
			[]any{r.No}, &hook, &was.Failures, &retry)
		if err != nil || !found {
			return false, err
		}
		was.RetryAt = fromMillis(retry)
		var until int64
		found, err = t.one(ctx, "SELECT until_at FROM deliveries WHERE no = $1 AND lease = $2 AND state = 1 AND out_until > 0", []any{r.No, r.Lease}, &until)
		if err != nil || !found {
			return false, err
		}
		b := &pgx.Batch{}
		t.queueDelivery(b, r, r.Ends(fromMillis(until)))
		t.queueLane(b, hook, was, was.After(r, t.now))
		t.queueDisable(b, hook, r.Gone)
		return true, t.send(ctx, b)
	})
	if err != nil {
		return false, fmt.Errorf("settle delivery: %w", err)
	}
	return ok, nil
}

func (t *tx) queueDelivery(b *pgx.Batch, r store.DeliveryResult, state store.DeliveryState) {
	ended := t.now
	if state == store.DeliveryPending {
		ended = time.Time{}
	}
	b.Queue("UPDATE deliveries SET state = $2, due_at = $3, out_until = 0, tried_at = $4, ended_at = $5, status = $6, reason = $7 WHERE no = $1",
		r.No, int(state), millis(r.Again), millis(t.now), millis(ended), r.Status, r.Reason)
}

// queueLane writes how a hook answers. One that answers again gets at once what
// had to wait for it.
func (t *tx) queueLane(b *pgx.Batch, hook store.HookNo, was, is store.Lane) {
	if was == is {
		return
	}
	b.Queue("UPDATE hooks SET failures = $2, retry_at = $3 WHERE no = $1", hook, is.Failures, millis(is.RetryAt))
	if was.Broken() && !is.Broken() {
		b.Queue("UPDATE deliveries SET due_at = $2 WHERE hook = $1 AND state = 1 AND due_at > $2 AND out_until = 0", hook, millis(t.now))
	}
}

// queueDisable tells a hook nothing more, if that is what it wants.
func (t *tx) queueDisable(b *pgx.Batch, hook store.HookNo, gone bool) {
	if !gone {
		return
	}
	b.Queue("UPDATE hooks SET disabled_at = $2 WHERE no = $1", hook, millis(t.now))
	b.Queue("UPDATE deliveries SET state = 3, ended_at = $2, out_until = 0, reason = $3 WHERE hook = $1 AND state = 1", hook, millis(t.now), store.ReasonGone)
}

// Deliveries implements store.Outbox.
func (s *Store) Deliveries(ctx context.Context, f store.DeliveryFilter) ([]store.Delivery, error) {
	var where []string
	var args []any
	add := func(given bool, clause string, value any) {
		if given {
			args = append(args, value)
			where = append(where, fmt.Sprintf(clause, len(args)))
		}
	}
	add(f.Tenant != "", "h.tenant = $%d AND ", f.Tenant)
	add(f.Hook != "", "h.id = $%d AND ", f.Hook)
	add(f.Batch != "", "b.id = $%d AND ", f.Batch)
	add(f.Kind != "", "e.kind = $%d AND ", string(f.Kind))
	add(f.State != 0, "d.state = $%d AND ", int(f.State))
	add(f.Before > 0, "d.no < $%d AND ", f.Before)
	add(true, "true ORDER BY d.no DESC LIMIT $%d", cmp.Or(f.Limit, 100))
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Delivery, error) {
		return c.deliveries(ctx, strings.Join(where, ""), args...)
	})
}

const deliveryColumns = `d.no, d.id, h.id, e.id, e.kind, coalesce(b.id, ''), d.state, d.attempts, d.created_at, d.due_at, d.tried_at, d.ended_at, d.status, d.reason
	FROM deliveries d JOIN hooks h ON h.no = d.hook JOIN events e ON e.no = d.event LEFT JOIN batches b ON b.no = e.batch`

func (c conn) deliveries(ctx context.Context, where string, args ...any) ([]store.Delivery, error) {
	var all []store.Delivery
	err := c.each(ctx, "SELECT "+deliveryColumns+" WHERE "+where, func(r pgx.Rows) error {
		var d store.Delivery
		var created, due, tried, ended int64
		err := r.Scan(&d.No, &d.ID, &d.Hook, &d.Event, &d.Kind, &d.Batch, &d.State, &d.Attempts, &created, &due, &tried, &ended, &d.Status, &d.Reason)
		d.Created, d.Due, d.Tried, d.Ended = fromMillis(created), fromMillis(due), fromMillis(tried), fromMillis(ended)
		all = append(all, d)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return all, nil
}

// Replay implements store.Outbox.
func (s *Store) Replay(ctx context.Context, tenant, id string) (store.Delivery, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (store.Delivery, error) {
		var no, event, hook, disabled int64
		var pending bool
		found, err := t.one(ctx, `SELECT d.no, d.event, d.hook, d.state = 1, h.disabled_at FROM deliveries d JOIN hooks h ON h.no = d.hook
			WHERE d.id = $1 AND ($2 = '' OR h.tenant = $2) FOR UPDATE OF d`, []any{id, tenant}, &no, &event, &hook, &pending, &disabled)
		switch {
		case err != nil:
		case !found:
			return store.Delivery{}, store.ErrNoDelivery
		case disabled > 0:
			return store.Delivery{}, store.ErrHookDisabled
		case pending:
			err = t.exec(ctx, "UPDATE deliveries SET due_at = least(due_at, $2) WHERE no = $1 AND out_until = 0", no, millis(t.now))
		default:
			_, err = t.one(ctx, "INSERT INTO deliveries (id, event, hook, state, created_at, due_at, until_at) VALUES ($1, $2, $3, 1, $4, $4, $5) RETURNING no",
				[]any{store.PublicID("dlv_"), event, hook, millis(t.now), millis(t.now.Add(store.DeliveryLife))}, &no)
		}
		if err != nil {
			return store.Delivery{}, fmt.Errorf("replay delivery: %w", err)
		}
		all, err := t.deliveries(ctx, "d.no = $1", no)
		if err != nil {
			return store.Delivery{}, err
		}
		return all[0], nil
	})
}

// TidyOutbox implements store.Outbox.
func (s *Store) TidyOutbox(ctx context.Context) (int, error) {
	const over = "state = 1 AND until_at <= $1 AND out_until <= $1"
	now, old := millis(s.clock()), millis(s.clock().Add(-store.OutboxLife))
	there, err := read(ctx, s, func(ctx context.Context, c conn) (bool, error) {
		return c.truth(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries WHERE `+over+`) OR EXISTS (SELECT 1 FROM deliveries WHERE state <> 1 AND ended_at <= $2)
			OR EXISTS (SELECT 1 FROM events WHERE at <= $2)`, now, old)
	})
	if err != nil || !there {
		return 0, err
	}
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		tag, err := t.Exec(ctx, "UPDATE deliveries SET state = 3, ended_at = $1, out_until = 0, reason = $2 WHERE "+over, now, store.ReasonExpired)
		b := &pgx.Batch{}
		b.Queue("DELETE FROM deliveries WHERE no IN (SELECT no FROM deliveries WHERE state <> 1 AND ended_at <= $1 LIMIT $2)", old, store.TidyAtOnce)
		b.Queue(`DELETE FROM events WHERE no IN (SELECT no FROM events e WHERE at <= $1
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.no) LIMIT $2)`, old, store.TidyAtOnce)
		if err == nil {
			err = t.send(ctx, b)
		}
		if err != nil {
			return 0, fmt.Errorf("tidy outbox: %w", err)
		}
		return int(tag.RowsAffected()), nil
	})
}
