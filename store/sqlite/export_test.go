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

// Occupy keeps the writer busy until what it returns is closed.
func (s *Store) Occupy() (release chan struct{}) {
	begun, release := make(chan struct{}), make(chan struct{})
	go func() {
		_, _ = writeAlone(context.Background(), s, func(*tx) (none struct{}, err error) {
			close(begun)
			<-release
			return none, nil
		})
	}()
	<-begun
	return release
}

// Beating counts the heartbeats that wait.
func (s *Store) Beating() int {
	s.beats.mu.Lock()
	defer s.beats.mu.Unlock()
	n := 0
	for _, b := range s.beats.m {
		n += b.waiting
	}
	return n
}

// Slice makes the slices smaller in which a batch is removed.
func (s *Store) Slice(size int) { s.slice = size }

// LongReaders is how many read rows at once.
const LongReaders = longReaders

// Migrations are the newest schema that this version knows, and that it has.
const Knows = knows

func HasMigrations() (int, error) {
	files, err := migrations.ReadDir("migrations")
	return len(files), err
}

// MaxOrphans makes the bound on hints about nothing that is known smaller.
func (s *Store) MaxOrphans(n int) { s.maxOrphans = n }

// Migration is the text of a migration.
func Migration(name string) (string, error) {
	text, err := migrations.ReadFile("migrations/" + name)
	return string(text), err
}

// Migrate brings a new file to the newest schema and does no more.
func Migrate(path string) error { return migrate(context.Background(), path, 0) }

// Records passes every record of every table to each, as storetest.Told has it.
func (s *Store) Records(ctx context.Context, each func(table string, record map[string]any)) error {
	_, err := readLong(ctx, s, func(c conn) (none struct{}, err error) {
		var tables []string
		err = c.each("SELECT name FROM sqlite_schema WHERE type = 'table'", func(stmt *sqlite.Stmt) error {
			tables = append(tables, stmt.ColumnText(0))
			return nil
		})
		for i := 0; err == nil && i < len(tables); i++ {
			err = c.each("SELECT * FROM "+tables[i], func(stmt *sqlite.Stmt) error {
				each(tables[i], recordOf(stmt))
				return nil
			})
		}
		return none, err
	})
	return err
}

// recordOf are the numbers and bytes of a record, by their columns.
func recordOf(stmt *sqlite.Stmt) map[string]any {
	record := map[string]any{}
	for i := range stmt.ColumnCount() {
		switch stmt.ColumnType(i) {
		case sqlite.TypeInteger:
			record[stmt.ColumnName(i)] = stmt.ColumnInt64(i)
		case sqlite.TypeBlob:
			record[stmt.ColumnName(i)] = columnBytes(stmt, i)
		default: // is neither sealed nor what opens it
		}
	}
	return record
}
