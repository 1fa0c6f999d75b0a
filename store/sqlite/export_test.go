package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"
)

// Exec lets tests spoil the books.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := write(ctx, s, func(t *tx) (struct{}, error) { return struct{}{}, t.exec(query, args...) })
	return err
}

// Ask returns the first column of the first row of a query, run by the writer.
func (s *Store) Ask(ctx context.Context, query string) (text string, err error) {
	return write(ctx, s, func(t *tx) (text string, err error) {
		_, err = t.one(query, func(stmt *sqlite.Stmt) { text = stmt.ColumnText(0) })
		return text, err
	})
}

// LongReaders is how many read rows at once.
const LongReaders = longReaders

// Migrations are the newest schema that this version knows, and that it has.
const Knows = knows

func HasMigrations() (int, error) {
	files, err := migrations.ReadDir("migrations")
	return len(files), err
}
