package sqlite

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Hint implements store.Work. Of a storm of hints most change nothing, and
// those do not wait for the writer.
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
	got, err := read(ctx, s, func(c conn) (seen, error) {
		k, err := c.hinted(s.sealer, r)
		if err != nil {
			return seen{}, err
		}
		if k == nil {
			kept, err := c.number("SELECT 1 FROM orphans WHERE key = ?", s.sealer.OrphanKey(r.Provider, text))
			return seen{write: kept == 0}, err
		}
		h := k.Hint(now, r.Every)
		return seen{h, h.New}, nil
	})
	if err != nil || !got.write {
		return got.Hinted, err
	}
	return write(ctx, s, func(t *tx) (store.Hinted, error) {
		k, err := t.hinted(s.sealer, r)
		if err != nil {
			return store.Hinted{}, err
		}
		if k == nil {
			return store.Hinted{}, t.keepOrphan(r, text)
		}
		h := k.Hint(t.now, r.Every)
		if h.New {
			err = t.exec("UPDATE tickets SET hinted_at = ?, due_at = ? WHERE id = ?", t.now, h.Due, k.ID)
		}
		if err != nil {
			return store.Hinted{}, fmt.Errorf("write hint: %w", err)
		}
		return h, nil
	})
}

// hinted returns the ticket that a hint is about, or nil.
func (c conn) hinted(sealer *store.Sealer, r store.HintRequest) (*store.HintedTicket, error) {
	id, err := c.named(sealer.HintKeys(r))
	if err == nil && id == 0 {
		id, err = c.askedAbout(sealer, r)
	}
	var k *store.HintedTicket
	if err == nil && id != 0 {
		_, err = c.one("SELECT id, closed, due_at, claimed_at, hinted_at FROM tickets WHERE id = ?", func(stmt *sqlite.Stmt) {
			k = &store.HintedTicket{
				ID: store.TicketID(stmt.ColumnInt64(0)), Closed: stmt.ColumnBool(1),
				Due: columnTime(stmt, 2), Claimed: columnTime(stmt, 3), Hinted: columnTime(stmt, 4),
			}
		}, id)
	}
	if err != nil {
		return nil, fmt.Errorf("find ticket of hint: %w", err)
	}
	return k, nil
}

// named returns the ticket of the first of the names that is known; 0: none.
func (c conn) named(keys [][]byte) (id int64, err error) {
	for _, key := range keys {
		id, err = c.number("SELECT id FROM tickets WHERE handle_key = ?1 UNION ALL SELECT ticket FROM ticket_names WHERE key = ?1", key)
		if err != nil || id != 0 {
			return id, err
		}
	}
	return 0, nil
}

// askedAbout returns the ticket on which the ask about a hint's subject waits;
// 0: there is none.
func (c conn) askedAbout(sealer *store.Sealer, r store.HintRequest) (id int64, err error) {
	key, given := sealer.HintedAsk(r)
	if !given {
		return 0, nil
	}
	n, err := c.number("SELECT ask FROM ask_keys WHERE key = ?", key[:])
	if err != nil || n == 0 {
		return 0, err
	}
	ask := store.AskID(n)
	k, err := c.chunkOf(ask)
	if err != nil || k == nil {
		return 0, err
	}
	err = c.each("SELECT id, open FROM tickets WHERE chunk = ? AND closed = 0", func(stmt *sqlite.Stmt) error {
		open, err := store.ParseOffsets(columnBytes(stmt, 1))
		if err == nil && open.Has(int(ask-k.ID)) {
			id = stmt.ColumnInt64(0)
		}
		return err
	}, k.ID)
	return id, err
}

// keepOrphan keeps a hint about no ticket that is known, once; one about somebody
// who is suppressed not at all.
func (t *tx) keepOrphan(r store.HintRequest, text []byte) error {
	if _, hit, err := t.suppressedAmong(t.s.sealer, r.About()); err != nil || len(hit) > 0 {
		return err
	}
	key := t.s.sealer.OrphanKey(r.Provider, text)
	err := t.exec("INSERT INTO orphans (provider, at, key, body) VALUES (?, ?, ?, x'') ON CONFLICT (key) DO NOTHING", r.Provider, t.now, key)
	if err == nil && t.Changes() > 0 {
		id := t.LastInsertRowID()
		if err = t.exec("UPDATE orphans SET body = ? WHERE id = ?", t.s.sealer.SealOrphan(id, text), id); err == nil {
			err = t.nameOrphan(id, t.s.sealer.HintKeys(r))
		}
	}
	if err != nil {
		return fmt.Errorf("keep hint: %w", err)
	}
	return nil
}

// nameOrphan writes the names of a new orphan, and forgets the oldest one
// where there are too many.
func (t *tx) nameOrphan(id int64, keys [][]byte) error {
	for _, key := range keys {
		if err := t.exec("INSERT INTO orphan_names (key, orphan) VALUES (?, ?)", key, id); err != nil {
			return err
		}
	}
	_, err := t.forgetOrphans("SELECT id FROM orphans WHERE id <= ?", id-int64(t.s.maxOrphans))
	return err
}

// forgetOrphans forgets those that a query names and returns how many they are.
func (t *tx) forgetOrphans(query string, args ...any) (int, error) {
	var ids []int64
	err := t.each(query, func(stmt *sqlite.Stmt) error {
		ids = append(ids, stmt.ColumnInt64(0))
		return nil
	}, args...)
	for _, id := range ids {
		if err == nil {
			err = t.exec("DELETE FROM orphan_names WHERE orphan = ?", id)
		}
		if err == nil {
			err = t.exec("DELETE FROM orphans WHERE id = ?", id)
		}
	}
	return len(ids), err
}

// takeOrphans forgets the orphans of a name, as their ticket is known now, and
// returns when the last of them came; zero: there was none.
func (t *tx) takeOrphans(key []byte) (last time.Time, err error) {
	_, err = t.one("SELECT max(at) FROM orphans WHERE id IN (SELECT orphan FROM orphan_names WHERE key = ?)",
		func(stmt *sqlite.Stmt) { last = columnTime(stmt, 0) }, key)
	if err == nil && !last.IsZero() {
		_, err = t.forgetOrphans("SELECT orphan FROM orphan_names WHERE key = ?", key)
	}
	if err != nil {
		return last, fmt.Errorf("match hints: %w", err)
	}
	return last, nil
}

// nameTicket keeps the names that a poll brought, where hints have come that
// need any, and takes the hints that came by them.
func (t *tx) nameTicket(k *ticket, names []string) error {
	if len(names) == 0 {
		return nil
	}
	needed, err := t.number(`SELECT EXISTS (SELECT 1 FROM orphans WHERE provider = ?) OR EXISTS (SELECT 1 FROM ticket_names)`, k.provider)
	if err != nil || needed == 0 {
		return err
	}
	for _, name := range names {
		key := t.s.sealer.NameKey(k.provider, name)
		last, err := t.takeOrphans(key)
		if err == nil && last.After(k.hinted) {
			k.hinted = last
			err = t.exec("UPDATE tickets SET hinted_at = ? WHERE id = ?", last, k.id)
		}
		if err == nil {
			err = t.exec("INSERT INTO ticket_names (key, ticket) VALUES (?, ?) ON CONFLICT DO NOTHING", key, k.id)
		}
		if err != nil {
			return fmt.Errorf("name ticket: %w", err)
		}
	}
	return nil
}

// heard returns when the last hint about a ticket of the provider came.
func (c conn) heard(provider string) (at time.Time, err error) {
	_, err = c.one("SELECT max(hinted_at) FROM tickets WHERE provider = ? AND hinted_at > 0", func(stmt *sqlite.Stmt) {
		at = columnTime(stmt, 0)
	}, provider)
	if err != nil {
		return at, fmt.Errorf("read hints: %w", err)
	}
	return at, nil
}

// DropOrphans implements store.Work.
func (s *Store) DropOrphans(ctx context.Context) (int, error) {
	const old = "SELECT id FROM orphans WHERE at <= ?"
	before := s.clock().Add(-store.OrphanLife)
	there, err := read(ctx, s, func(c conn) (int64, error) { return c.number(old, before) })
	if err != nil || there == 0 {
		return 0, err
	}
	return write(ctx, s, func(t *tx) (int, error) {
		n, err := t.forgetOrphans(old, before)
		if err != nil {
			return 0, fmt.Errorf("forget hints: %w", err)
		}
		return n, nil
	})
}

// Orphans implements store.Reader.
func (s *Store) Orphans(ctx context.Context) ([]store.Orphan, error) {
	return read(ctx, s, func(c conn) ([]store.Orphan, error) {
		var all []store.Orphan
		err := c.each("SELECT id, provider, at, body FROM orphans ORDER BY id", func(stmt *sqlite.Stmt) error {
			o := store.Orphan{Provider: stmt.ColumnText(1), At: columnTime(stmt, 2)}
			err := s.sealer.OpenOrphan(stmt.ColumnInt64(0), columnBytes(stmt, 3), &o)
			all = append(all, o)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read hints: %w", err)
		}
		return all, nil
	})
}
