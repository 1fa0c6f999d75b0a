package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Knows is the newest schema that this version knows.
const Knows = knows

// BlockSize and BlockLife are those of batch numbers.
const (
	BlockSize = blockSize
	BlockLife = blockLife
)

// Classify names faults of the server.
var Classify = classify

// HasMigrations is how many migrations there are.
func HasMigrations() (int, error) {
	files, err := migrations.ReadDir("migrations")
	return len(files), err
}

// Exec lets tests spoil the books.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.pool.Exec(ctx, query, args...)
	return err
}

// Ask returns the first column of the first row of a query, as text.
func (s *Store) Ask(ctx context.Context, query string) (text string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT x::text FROM ("+query+") AS q (x)").Scan(&text)
	return text, err
}

// MaxOrphans makes the bound on hints about nothing that is known smaller.
func (s *Store) MaxOrphans(n int) { s.maxOrphans = n }

// Migration is the text of a migration.
func Migration(name string) (string, error) {
	text, err := migrations.ReadFile("migrations/" + name)
	return string(text), err
}

// Migrate brings an empty database to the newest schema and does no more.
func Migrate(url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	return up(context.Background(), config)
}

// Records passes every record of every table to each, as storetest.Told has it.
func (s *Store) Records(ctx context.Context, each func(table string, record map[string]any)) error {
	_, err := read(ctx, s, func(ctx context.Context, c conn) (none struct{}, err error) {
		tables, err := list[string](ctx, c, `SELECT relname FROM pg_class
			WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema::regnamespace`)
		for i := 0; err == nil && i < len(tables); i++ {
			err = c.each(ctx, "SELECT * FROM "+pgx.Identifier{tables[i]}.Sanitize(), func(r pgx.Rows) error {
				record, err := pgx.RowToMap(r)
				each(tables[i], record)
				return err
			})
		}
		return none, err
	})
	return err
}

// Alone lets tests run what one process does at a time.
func (s *Store) Alone(ctx context.Context, name string, run func(context.Context) error) error {
	return s.alone(ctx, name, run)
}

// TakeBack is what Claim does where the answer to its commit was lost: the claim
// was made then, under that number.
func (s *Store) TakeBack(ctx context.Context, r store.ClaimRequest, id store.CallID, then time.Time) {
	s.takeBack(ctx, recorded{call: id, chunk: r.Chunk, owner: r.Owner, at: then})
}
