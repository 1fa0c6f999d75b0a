package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver that goose needs; all other work goes without database/sql
	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// knows is the newest schema that this version can work with.
const knows = 20

// inspect says which schema a file has, 0 for an empty one, and refuses files
// that this version must not touch. It only reads.
func inspect(o Options) (has int64, err error) {
	raw, err := sqlite.OpenConn(o.Path, sqlite.OpenReadWrite)
	if err != nil {
		return 0, fmt.Errorf("open store: %w", classify(err))
	}
	c := conn{raw}
	defer func() { err = errors.Join(err, c.Close()) }()
	c.SetBusyTimeout(busyTimeout)
	tables, err := c.number("SELECT count(*) FROM sqlite_schema")
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultNotADB {
		return 0, fmt.Errorf("open store: %s is not a plateq store", o.Path)
	}
	if err != nil {
		return 0, fmt.Errorf("open store: %w", classify(err))
	}
	if tables == 0 {
		return 0, nil
	}
	id, err := c.number("PRAGMA application_id")
	if err != nil {
		return 0, fmt.Errorf("open store: %w", err)
	}
	if id != applicationID {
		return 0, fmt.Errorf("open store: %s is a database of another program", o.Path)
	}
	return c.readSchema(o)
}

func (c conn) readSchema(o Options) (has int64, err error) {
	has, err = c.schema()
	if err != nil {
		return 0, err
	}
	if has > knows {
		return 0, &store.SchemaError{Has: has, Knows: knows}
	}
	if has == 0 {
		return 0, nil
	}
	return has, c.verify(o)
}

// migrate brings the file to the newest schema.
func migrate(ctx context.Context, path string, has int64) (err error) {
	if has == knows {
		return nil
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	db, err := sql.Open("sqlite", dsn.String()+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return fmt.Errorf("migrate store: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// Before the first table, so that a file with tables and without the mark
	// is somebody else's.
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return fmt.Errorf("migrate store: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("migrate store: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("migrate store: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate store: %w", err)
	}
	return nil
}
