package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Vitals says how the store in a file stands. It changes nothing and takes no
// lock: another process may use the store.
func Vitals(o Options) (v store.Vitals, err error) {
	c, err := openStored(o.Path)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	v.Connections, v.APIKeys = -1, -1
	has, err := c.schema()
	if err != nil {
		return v, err
	}
	if v.Schema, err = store.NewSchema(has, knows, migrations); err != nil {
		return v, err
	}
	if v.Refusal = v.Schema.Err(); v.Refusal == nil && has > 0 {
		v.Refusal = c.verify(o)
	}
	if v.Refusal == nil && has > 0 && len(v.Schema.Pending) == 0 {
		keys, err := c.number("SELECT count(*) FROM api_keys")
		if err != nil {
			return v, fmt.Errorf("count API keys: %w", classify(err))
		}
		v.APIKeys = int(keys)
	}
	if v.Size, err = c.number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"); err != nil {
		return v, fmt.Errorf("read size: %w", classify(err))
	}
	_, err = c.one("SELECT sqlite_version()", func(stmt *sqlite.Stmt) { v.Server = "SQLite " + stmt.ColumnText(0) })
	return v, err
}
