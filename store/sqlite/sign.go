package sqlite

import (
	"encoding/hex"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// Names of facts in meta.
const (
	metaUse     = "use"
	metaIndex   = "index key"
	metaSealing = "encryption key " // and its name
)

const (
	useReal      = "real"
	useSimulated = "simulated"
)

// verify refuses a store that was made for another use or with other keys.
// Every key that ever sealed must be there, or some values could not be read.
func (c conn) verify(o Options) error {
	given := facts(o)
	var refused error
	err := c.each("SELECT name, value FROM meta", func(stmt *sqlite.Stmt) error {
		name, value := stmt.ColumnText(0), stmt.ColumnText(1)
		if refused != nil || given[name] == value {
			return nil
		}
		if name == metaUse {
			refused = &store.MarkError{Simulated: value == useSimulated}
			return nil
		}
		refused = &store.KeysError{Which: name}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read meta: %w", classify(err))
	}
	return refused
}

// sign writes what verify compares: all of it for a new store, later the keys
// that were added.
func sign(o Options) (err error) {
	raw, err := sqlite.OpenConn(o.Path, sqlite.OpenReadWrite|sqlite.OpenWAL)
	if err != nil {
		return fmt.Errorf("open store: %w", classify(err))
	}
	c := conn{raw}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.pragmas("synchronous=FULL"); err != nil {
		return err
	}
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("write meta: %w", classify(err))
	}
	for name, value := range facts(o) {
		if err := c.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", name, value); err != nil {
			return fmt.Errorf("write meta: %w", classify(err))
		}
	}
	if err := c.exec("COMMIT"); err != nil {
		return fmt.Errorf("write meta: %w", classify(err))
	}
	return nil
}

func facts(o Options) map[string]string {
	m := map[string]string{metaUse: useReal, metaIndex: store.Fingerprint(o.Keys.Index)}
	if o.Simulated {
		m[metaUse] = useSimulated
	}
	for _, k := range o.Keys.Seal {
		m[metaSealing+hex.EncodeToString(k.ID[:])] = store.Fingerprint(k.Key)
	}
	return m
}
