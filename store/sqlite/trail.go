package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// NoteAct implements store.Trail. All of the process write through one
// connection, and no other process has the store.
func (s *Store) NoteAct(ctx context.Context, a store.Act) (store.Act, error) {
	return write(ctx, s, func(t *tx) (store.Act, error) {
		last, err := t.lastAct()
		if err != nil {
			return store.Act{}, err
		}
		noted := a
		noted.No, noted.At = last.No+1, store.Millis(t.now)
		noted = s.sealer.LinkAct(last.Hash, noted)
		err = t.exec("INSERT INTO acts (no, at, who, kind, tenant, about, note, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			noted.No, noted.At, noted.Who, string(noted.Kind), noted.Tenant, noted.About, noted.Note, noted.Hash)
		if err != nil {
			return store.Act{}, fmt.Errorf("note act: %w", err)
		}
		return noted, nil
	})
}

// LastAct implements store.Trail.
func (s *Store) LastAct(ctx context.Context) (store.ActHead, error) {
	return read(ctx, s, conn.lastAct)
}

func (c conn) lastAct() (h store.ActHead, err error) {
	_, err = c.one("SELECT no, hash FROM acts ORDER BY no DESC LIMIT 1", func(stmt *sqlite.Stmt) {
		h = store.ActHead{No: stmt.ColumnInt64(0), Hash: columnBytes(stmt, 1)}
	})
	if err != nil {
		return h, fmt.Errorf("read the end of the audit log: %w", err)
	}
	return h, nil
}

const actColumns = "no, at, who, kind, tenant, about, note, hash"

func columnAct(stmt *sqlite.Stmt) store.Act {
	return store.Act{
		No: stmt.ColumnInt64(0), At: columnTime(stmt, 1), Who: stmt.ColumnText(2), Kind: store.ActKind(stmt.ColumnText(3)),
		Tenant: stmt.ColumnText(4), About: stmt.ColumnText(5), Note: stmt.ColumnText(6), Hash: columnBytes(stmt, 7),
	}
}

// Acts implements store.Trail.
func (s *Store) Acts(ctx context.Context, f store.ActFilter) ([]store.Act, error) {
	clauses, args := []string{"true"}, []any{}
	add := func(given bool, clause string, value any) {
		if given {
			clauses, args = append(clauses, clause), append(args, value)
		}
	}
	add(f.Tenant != "", "tenant = ?", f.Tenant)
	add(f.Who != "", "who = ?", f.Who)
	add(f.Kind != "", "kind = ?", string(f.Kind))
	add(f.About != "", "about = ?", f.About)
	add(!f.From.IsZero(), "at >= ?", store.Millis(f.From))
	add(!f.To.IsZero(), "at < ?", store.Millis(f.To))
	add(f.Before != 0, "no < ?", f.Before)
	if f.Limit <= 0 {
		f.Limit = 100
	}
	return readLong(ctx, s, func(c conn) ([]store.Act, error) {
		var acts []store.Act
		err := c.each("SELECT "+actColumns+" FROM acts WHERE "+strings.Join(clauses, " AND ")+" ORDER BY no DESC LIMIT ?", func(stmt *sqlite.Stmt) error {
			acts = append(acts, columnAct(stmt))
			return nil
		}, append(args, f.Limit)...)
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		return acts, nil
	})
}

// VerifyActs implements store.Trail.
func (s *Store) VerifyActs(ctx context.Context, known ...store.ActHead) (store.TrailReport, error) {
	return readLong(ctx, s, func(c conn) (store.TrailReport, error) {
		check := store.NewTrailCheck(s.sealer, known)
		err := c.each("SELECT "+actColumns+" FROM acts ORDER BY no", func(stmt *sqlite.Stmt) error {
			if !check.Next(columnAct(stmt)) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return store.TrailReport{}, fmt.Errorf("read audit log: %w", err)
		}
		return check.Report(), nil
	})
}
