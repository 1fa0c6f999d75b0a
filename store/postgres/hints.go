package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Hint implements store.Work. Of a storm of hints most change nothing, and
// those lock nothing.
func (s *Store) Hint(ctx context.Context, r store.HintRequest) (store.Hinted, error) {
	text, err := store.EncodeHints(r.Hints)
	if err != nil {
		return store.Hinted{}, err
	}
	type seen struct {
		store.Hinted
		write bool
	}
	now := s.clock()
	got, err := read(ctx, s, func(ctx context.Context, c conn) (seen, error) {
		k, err := c.hinted(ctx, s.sealer, r)
		if err != nil {
			return seen{}, err
		}
		if k == nil {
			kept, err := c.truth(ctx, "SELECT EXISTS (SELECT 1 FROM orphans WHERE key = $1)", s.sealer.OrphanKey(r.Provider, text))
			return seen{write: !kept}, err
		}
		h := k.Hint(now, r.Every)
		return seen{h, h.New}, nil
	})
	if err != nil || !got.write {
		return got.Hinted, err
	}
	return write(ctx, s, func(ctx context.Context, t *tx) (store.Hinted, error) {
		k, err := t.hinted(ctx, s.sealer, r)
		if err == nil && k == nil {
			// One who is bringing a ticket of such a name may not have seen us,
			// nor we him: of the two, the second to hold the name sees the other.
			if err = t.holdNames(ctx, s.sealer.HintKeys(r)); err == nil {
				k, err = t.hinted(ctx, s.sealer, r)
			}
		}
		if err != nil {
			return store.Hinted{}, err
		}
		if k == nil {
			return store.Hinted{}, t.keepOrphan(ctx, r, text)
		}
		return t.hint(ctx, k.ID, r.Every)
	})
}

// hint writes down that a hint for the ticket came.
func (t *tx) hint(ctx context.Context, id store.TicketID, every time.Duration) (store.Hinted, error) {
	k, err := t.ticket(ctx, id)
	if err != nil {
		return store.Hinted{}, err
	}
	if k == nil {
		return store.Hinted{}, errAgain
	}
	h := store.HintedTicket{ID: id, Closed: k.closed, Due: k.due, Claimed: k.claimed, Hinted: k.hinted}.Hint(t.now, every)
	if h.New {
		err = t.exec(ctx, "UPDATE tickets SET hinted_at = $1, due_at = $2 WHERE id = $3", millis(t.now), millis(h.Due), id)
	}
	if err != nil {
		return store.Hinted{}, fmt.Errorf("write hint: %w", err)
	}
	return h, nil
}

// hinted returns the ticket that a hint is about, or nil.
func (c conn) hinted(ctx context.Context, sealer *store.Sealer, r store.HintRequest) (*store.HintedTicket, error) {
	id, err := c.named(ctx, sealer.HintKeys(r))
	if err == nil && id == 0 {
		id, err = c.askedAbout(ctx, sealer, r)
	}
	var k *store.HintedTicket
	if err == nil && id != 0 {
		var due, claimed, at int64
		k = &store.HintedTicket{ID: id}
		_, err = c.one(ctx, "SELECT closed, due_at, claimed_at, hinted_at FROM tickets WHERE id = $1", []any{id}, &k.Closed, &due, &claimed, &at)
		k.Due, k.Claimed, k.Hinted = fromMillis(due), fromMillis(claimed), fromMillis(at)
	}
	if err != nil {
		return nil, fmt.Errorf("find ticket of hint: %w", err)
	}
	return k, nil
}

// named returns the ticket of the first of the names that is known; 0: none.
func (c conn) named(ctx context.Context, keys [][]byte) (id store.TicketID, err error) {
	_, err = c.one(ctx, `SELECT ticket FROM (
			SELECT k.place, coalesce((SELECT id FROM tickets WHERE handle_key = k.key), (SELECT ticket FROM ticket_names n WHERE n.key = k.key)) AS ticket
			FROM unnest($1::bytea[]) WITH ORDINALITY AS k (key, place)) s
		WHERE ticket IS NOT NULL ORDER BY place LIMIT 1`, []any{keys}, &id)
	return id, err
}

// askedAbout returns the ticket on which the ask about a hint's subject waits;
// 0: there is none.
func (c conn) askedAbout(ctx context.Context, sealer *store.Sealer, r store.HintRequest) (id store.TicketID, err error) {
	key, given := sealer.HintedAsk(r)
	if !given {
		return 0, nil
	}
	var ask store.AskID
	if found, err := c.one(ctx, "SELECT ask FROM ask_keys WHERE key = $1", []any{key[:]}, &ask); err != nil || !found {
		return 0, err
	}
	err = c.each(ctx, `SELECT id, chunk, open FROM tickets
		WHERE chunk = (SELECT id FROM chunks WHERE id <= $1 ORDER BY id DESC LIMIT 1) AND NOT closed`, func(row pgx.Rows) error {
		var ticket store.TicketID
		var chunk store.ChunkID
		var stored []byte
		if err := row.Scan(&ticket, &chunk, &stored); err != nil {
			return err
		}
		open, err := store.ParseOffsets(stored)
		if open.Has(int(ask - chunk)) {
			id = ticket
		}
		return err
	}, ask)
	return id, err
}

// queueHold adds the holding of names to a batch of statements, in an order
// that all who hold several keep.
func queueHold(b *pgx.Batch, keys [][]byte) {
	for _, key := range slices.SortedFunc(slices.Values(keys), bytes.Compare) {
		id := int64(binary.BigEndian.Uint64(key)) //nolint:gosec // only its bits matter
		b.Queue("SELECT pg_advisory_xact_lock($1)", id)
	}
}

func (t *tx) holdNames(ctx context.Context, keys [][]byte) error {
	b := &pgx.Batch{}
	queueHold(b, keys)
	if err := t.send(ctx, b); err != nil {
		return fmt.Errorf("hold names: %w", err)
	}
	return nil
}

// keepOrphan keeps a hint about no ticket that is known, once, and forgets the
// oldest one where there are too many. One about somebody who is suppressed is
// not kept. Its names are held.
func (t *tx) keepOrphan(ctx context.Context, r store.HintRequest, text []byte) error {
	if hit, err := t.barred(ctx, r.About()); err != nil || hit {
		return err
	}
	var id int64
	_, err := t.one(ctx, "SELECT nextval(pg_get_serial_sequence('orphans', 'id'))", nil, &id)
	if err != nil {
		return fmt.Errorf("number hint: %w", err)
	}
	tag, err := t.Exec(ctx, "INSERT INTO orphans (id, provider, at, key, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING",
		id, r.Provider, millis(t.now), t.s.sealer.OrphanKey(r.Provider, text), t.s.sealer.SealOrphan(id, text))
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("INSERT INTO orphan_names (key, orphan) SELECT unnest($1::bytea[]), $2", t.s.sealer.HintKeys(r), id)
	queueForget(b, nil, "SELECT id FROM orphans WHERE id <= $1 ORDER BY id FOR UPDATE SKIP LOCKED", id-int64(t.s.maxOrphans))
	if err := t.send(ctx, b); err != nil {
		return fmt.Errorf("keep hint: %w", err)
	}
	return nil
}

// forgotten are orphans that were forgotten.
type forgotten struct {
	n    int
	last time.Time // when the last of them came; zero: there was none
}

// queueForget adds to a batch of statements that the orphans are forgotten
// which a query names.
func queueForget(b *pgx.Batch, into *forgotten, query string, args ...any) {
	q := b.Queue(`WITH found (id) AS MATERIALIZED (`+query+`),
		gone AS (DELETE FROM orphans WHERE id IN (SELECT id FROM found) RETURNING at),
		names AS (DELETE FROM orphan_names WHERE orphan IN (SELECT id FROM found))
		SELECT count(*), coalesce(max(at), 0) FROM gone`, args...)
	if into == nil {
		return
	}
	q.QueryRow(func(r pgx.Row) error {
		var last int64
		err := r.Scan(&into.n, &last)
		into.last = fromMillis(last)
		return err
	})
}

// queueTakeOrphans adds to a batch of statements that the orphans of names are
// forgotten, as their ticket is known now.
func queueTakeOrphans(b *pgx.Batch, into *forgotten, keys [][]byte) {
	queueForget(b, into, `SELECT id FROM orphans WHERE id IN (SELECT orphan FROM orphan_names WHERE key = ANY($1)) ORDER BY id FOR UPDATE`, keys)
}

// nameTicket keeps the names that a poll brought, where hints have come that
// need any, and takes the hints that came by them. One that comes by a name at
// the same time may be kept as an orphan: the next poll of the ticket, which
// lists the name again, takes it.
func (t *tx) nameTicket(ctx context.Context, k *ticket, names []string) error {
	if len(names) == 0 {
		return nil
	}
	needed, err := t.truth(ctx, `SELECT EXISTS (SELECT 1 FROM orphans WHERE provider = $1) OR EXISTS (SELECT 1 FROM ticket_names)`, k.provider)
	if err != nil || !needed {
		return err
	}
	keys := make([][]byte, len(names))
	for i, name := range names {
		keys[i] = t.s.sealer.NameKey(k.provider, name)
	}
	slices.SortFunc(keys, bytes.Compare)
	taken, b := forgotten{}, &pgx.Batch{}
	queueTakeOrphans(b, &taken, keys)
	b.Queue("INSERT INTO ticket_names (key, ticket) SELECT unnest($1::bytea[]), $2 ON CONFLICT DO NOTHING", keys, k.id)
	err = t.send(ctx, b)
	if err == nil && taken.last.After(k.hinted) {
		k.hinted = taken.last
		err = t.exec(ctx, "UPDATE tickets SET hinted_at = $1 WHERE id = $2", millis(k.hinted), k.id)
	}
	if err != nil {
		return fmt.Errorf("name ticket: %w", err)
	}
	return nil
}

// queueHeard adds to a batch of statements the reading of when the last hint
// about a ticket of the provider came.
func queueHeard(b *pgx.Batch, into *time.Time, provider string) {
	b.Queue("SELECT coalesce(max(hinted_at), 0) FROM tickets WHERE provider = $1 AND hinted_at > 0", provider).QueryRow(func(r pgx.Row) error {
		var at int64
		err := r.Scan(&at)
		*into = fromMillis(at)
		return err
	})
}

// DropOrphans implements store.Work.
func (s *Store) DropOrphans(ctx context.Context) (int, error) {
	before := millis(s.clock().Add(-store.OrphanLife))
	there, err := read(ctx, s, func(ctx context.Context, c conn) (bool, error) {
		return c.truth(ctx, "SELECT EXISTS (SELECT 1 FROM orphans WHERE at <= $1)", before)
	})
	if err != nil || !there {
		return 0, err
	}
	return write(ctx, s, func(ctx context.Context, t *tx) (int, error) {
		gone, b := forgotten{}, &pgx.Batch{}
		queueForget(b, &gone, "SELECT id FROM orphans WHERE at <= $1 ORDER BY id FOR UPDATE SKIP LOCKED", before)
		if err := t.send(ctx, b); err != nil {
			return 0, fmt.Errorf("forget hints: %w", err)
		}
		return gone.n, nil
	})
}

// Orphans implements store.Reader.
func (s *Store) Orphans(ctx context.Context) ([]store.Orphan, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Orphan, error) {
		var all []store.Orphan
		err := c.each(ctx, "SELECT id, provider, at, body FROM orphans ORDER BY id", func(r pgx.Rows) error {
			var o store.Orphan
			var id, at int64
			var body []byte
			if err := r.Scan(&id, &o.Provider, &at, &body); err != nil {
				return err
			}
			o.At = fromMillis(at)
			err := s.sealer.OpenOrphan(id, body, &o)
			all = append(all, o)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read hints: %w", err)
		}
		return all, nil
	})
}

// oneOrNone passes a row that is not there.
func oneOrNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}
