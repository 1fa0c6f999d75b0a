package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// verify refuses a store that was made for another use or with other keys.
func (c conn) verify(o Options) error {
	kept, err := c.facts()
	if err != nil {
		return err
	}
	if o.Moved {
		kept = kept.Staying()
	}
	if err := store.NewFacts(o.Keys, o.Simulated, o.Region).Verify(kept); err != nil {
		return err
	}
	return o.Keys.VerifySealing(kept)
}

func (c conn) facts() (store.Facts, error) {
	kept := store.Facts{}
	err := c.each("SELECT name, value FROM meta", func(stmt *sqlite.Stmt) error {
		kept[stmt.ColumnText(0)] = stmt.ColumnText(1)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read meta: %w", classify(err))
	}
	return kept, nil
}

// sign writes what verify compares, and the id: all of it for a new store,
// later the key that seals.
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
	kept, err := c.facts()
	if err != nil {
		return err
	}
	if err := c.sign(o.Keys.Sign(kept, o.Simulated, o.Region)); err != nil {
		return err
	}
	if err := c.exec("COMMIT"); err != nil {
		return fmt.Errorf("write meta: %w", classify(err))
	}
	return nil
}

// sign writes facts that are not there yet.
func (c conn) sign(facts store.Facts) error {
	for name, value := range facts {
		if err := c.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", name, value); err != nil {
			return fmt.Errorf("write meta: %w", classify(err))
		}
	}
	return nil
}
