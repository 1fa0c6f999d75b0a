package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Schema says how the schema of a store's file stands. It changes nothing, and
// takes no lock: another process may use the store.
func Schema(path string) (s store.Schema, err error) {
	c, err := openStored(path)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	has, err := c.schema()
	if err != nil {
		return s, err
	}
	return store.NewSchema(has, knows, migrations)
}

// openStored opens a file for reading that must be a store's.
func openStored(path string) (conn, error) {
	c, err := openReader(path)
	if err == nil {
		var id int64
		id, err = c.number("PRAGMA application_id")
		if err == nil && id == applicationID {
			return c, nil
		}
		err = errors.Join(err, c.Close())
	}
	if err == nil || sqlite.ErrCode(err).ToPrimary() == sqlite.ResultNotADB {
		return conn{}, fmt.Errorf("%s is not a plateq store", path)
	}
	return conn{}, fmt.Errorf("read %s: %w", path, classify(err))
}

// schema says which schema a file has, 0 for none.
func (c conn) schema() (has int64, err error) {
	versions, err := c.number("SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'")
	if err != nil || versions == 0 {
		return 0, err
	}
	has, err = c.number("SELECT max(version_id) FROM goose_db_version WHERE is_applied")
	if err != nil {
		return 0, fmt.Errorf("read schema: %w", classify(err))
	}
	return has, nil
}
