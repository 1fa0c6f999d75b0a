package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Dump lets read all that the store holds, on one snapshot.
func (s *Store) Dump(ctx context.Context, to func(store.Dump) error) error {
	_, err := readLong(ctx, s, func(c conn) (none struct{}, err error) {
		facts, err := c.facts()
		if err != nil {
			return none, err
		}
		return none, to(&dump{conn: c, facts: facts.Staying()})
	})
	return err
}

type dump struct {
	conn
	facts store.Facts
}

// expressions are the columns of a dump that have another name here.
var expressions = map[string]string{
	"cuts.batch": "no", "wants.has_left": `"left"`, "gates.by_whom": `"by"`, "decisions.by_whom": `"by"`,
}

// from names the table that holds a table of a dump.
func from(t store.Table) string {
	if t.Name == "cuts" {
		return "batches"
	}
	return t.Name
}

// Facts implements store.Dump.
func (d *dump) Facts() store.Facts { return d.facts }

// Count implements store.Dump.
func (d *dump) Count(t store.Table) (int64, error) {
	n, err := d.number("SELECT count(*) FROM " + from(t))
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", t.Name, classify(err))
	}
	return n, nil
}

// Last implements store.Dump.
func (d *dump) Last(t store.Table) (int64, error) {
	n, err := d.number("SELECT seq FROM sqlite_sequence WHERE name = ?", t.Name)
	if err != nil {
		return 0, fmt.Errorf("read numbers of %s: %w", t.Name, classify(err))
	}
	return n, nil
}

// Records implements store.Dump.
func (d *dump) Records(t store.Table) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		record := make([]any, len(t.Columns))
		err := d.each(selection(t), func(stmt *sqlite.Stmt) error {
			for i, c := range t.Columns {
				record[i] = value(stmt, i, c.Kind)
			}
			if !yield(record, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, fmt.Errorf("read %s: %w", t.Name, classify(err)))
		}
	}
}

// selection is the query that reads a table of a dump.
func selection(t store.Table) string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = `"` + c.Name + `"`
		if e, found := expressions[t.Name+"."+c.Name]; found {
			names[i] = e
		}
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + from(t) + " ORDER BY " + strings.Join(names[:t.Key], ", ")
}

func value(stmt *sqlite.Stmt, i int, k store.Kind) any {
	if stmt.ColumnType(i) == sqlite.TypeNull {
		return nil
	}
	switch k {
	case store.Truth:
		return stmt.ColumnBool(i)
	case store.Fraction:
		return stmt.ColumnFloat(i)
	case store.Text:
		return stmt.ColumnText(i)
	case store.Bytes:
		return columnBytes(stmt, i)
	default:
		return stmt.ColumnInt64(i)
	}
}

// Departure returns whether the store was moved elsewhere. Open lets only those
// see it who ask for Options.Moved.
func (s *Store) Departure(ctx context.Context) (store.Departure, error) {
	facts, err := read(ctx, s, func(c conn) (store.Facts, error) { return c.facts() })
	return facts.Departure(), err
}

// Depart writes down that the store was moved, or with the zero Departure that
// it was not. From then on Open refuses it, or does not.
func (s *Store) Depart(ctx context.Context, d store.Departure) error {
	name, text := d.Fact()
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		if d.At.IsZero() {
			return none, t.exec("DELETE FROM meta WHERE name = ?", name)
		}
		return none, t.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", name, text)
	})
	if err != nil {
		return fmt.Errorf("mark store as moved: %w", err)
	}
	return nil
}
