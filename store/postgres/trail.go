package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// NoteAct implements store.Trail. Those who write at once, in whatever process,
// wait for each other, and for nobody else.
func (s *Store) NoteAct(ctx context.Context, a store.Act) (store.Act, error) {
	return write(ctx, s, func(ctx context.Context, t *tx) (store.Act, error) {
		// A statement of its own: the next one has to see what was committed
		// while this one waited.
		if err := t.exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('plateq acts ' || current_schema(), 0))"); err != nil {
			return store.Act{}, fmt.Errorf("wait for the audit log: %w", err)
		}
		last, err := t.lastAct(ctx)
		if err != nil {
			return store.Act{}, err
		}
		noted := a
		noted.No, noted.At = last.No+1, store.Millis(t.now)
		noted = s.sealer.LinkAct(last.Hash, noted)
		err = t.exec(ctx, "INSERT INTO acts (no, at, who, kind, tenant, about, note, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
			noted.No, millis(noted.At), noted.Who, string(noted.Kind), noted.Tenant, noted.About, noted.Note, noted.Hash)
		if err != nil {
			return store.Act{}, fmt.Errorf("note act: %w", err)
		}
		return noted, nil
	})
}

// LastAct implements store.Trail.
func (s *Store) LastAct(ctx context.Context) (store.ActHead, error) {
	return read(ctx, s, func(ctx context.Context, c conn) (store.ActHead, error) { return c.lastAct(ctx) })
}

func (c conn) lastAct(ctx context.Context) (h store.ActHead, err error) {
	if _, err = c.one(ctx, "SELECT no, hash FROM acts ORDER BY no DESC LIMIT 1", nil, &h.No, &h.Hash); err != nil {
		return h, fmt.Errorf("read the end of the audit log: %w", err)
	}
	return h, nil
}

const actColumns = "no, at, who, kind, tenant, about, note, hash"

func scanAct(r pgx.Rows) (a store.Act, err error) {
	var at int64
	err = r.Scan(&a.No, &at, &a.Who, &a.Kind, &a.Tenant, &a.About, &a.Note, &a.Hash)
	a.At = fromMillis(at)
	return a, err
}

// Acts implements store.Trail.
func (s *Store) Acts(ctx context.Context, f store.ActFilter) ([]store.Act, error) {
	clauses, args := []string{"true"}, []any{}
	add := func(given bool, clause string, value any) {
		if given {
			args = append(args, value)
			clauses = append(clauses, fmt.Sprintf(clause, len(args)))
		}
	}
	add(f.Tenant != "", "tenant = $%d", f.Tenant)
	add(f.Who != "", "who = $%d", f.Who)
	add(f.Kind != "", "kind = $%d", string(f.Kind))
	add(f.About != "", "about = $%d", f.About)
	add(!f.From.IsZero(), "at >= $%d", millis(store.Millis(f.From)))
	add(!f.To.IsZero(), "at < $%d", millis(store.Millis(f.To)))
	add(f.Before != 0, "no < $%d", f.Before)
	if f.Limit <= 0 {
		f.Limit = 100
	}
	args = append(args, f.Limit)
	query := "SELECT " + actColumns + " FROM acts WHERE " + strings.Join(clauses, " AND ") + fmt.Sprintf(" ORDER BY no DESC LIMIT $%d", len(args))
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Act, error) {
		var acts []store.Act
		err := c.each(ctx, query, func(r pgx.Rows) error {
			a, err := scanAct(r)
			acts = append(acts, a)
			return err
		}, args...)
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		return acts, nil
	})
}

// VerifyActs implements store.Trail.
func (s *Store) VerifyActs(ctx context.Context, known ...store.ActHead) (store.TrailReport, error) {
	report, err := snapshot(ctx, s, func(ctx context.Context, c conn) (store.TrailReport, error) {
		check := store.NewTrailCheck(s.sealer, known)
		if err := c.exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return store.TrailReport{}, err
		}
		err := c.each(ctx, "SELECT "+actColumns+" FROM acts ORDER BY no", func(r pgx.Rows) error {
			a, err := scanAct(r)
			if err == nil && !check.Next(a) {
				err = errBroken
			}
			return err
		})
		if err != nil && !errors.Is(err, errBroken) {
			return store.TrailReport{}, fmt.Errorf("read audit log: %w", err)
		}
		return check.Report(), nil
	})
	return report, classify(err)
}

// errBroken ends the reading of a log at its first fault.
var errBroken = errors.New("the audit log is broken")
