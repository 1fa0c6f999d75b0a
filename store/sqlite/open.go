// Package sqlite keeps a store in one SQLite file that belongs to one process.
//
// # Durability
//
// The file is in WAL mode with synchronous=FULL, which is read back at Open:
// what a method has reported as done survives the loss of power. One goroutine
// writes; changes that wait for it share a transaction and its sync.
//
// # One process
//
// Open locks the file's directory, or is told that its caller has. As nobody else can hold it, every owner
// that claimed before Open is dead, and its calls are there to be judged.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

const (
	// busyTimeout is how long to wait for somebody who reads the file with
	// another tool.
	busyTimeout = 5 * time.Second
	// applicationID marks the file as ours ("pltq").
	applicationID = 0x706c7471
	// writerCache is the page cache of the writer, in KiB as SQLite wants it.
	writerCache = "-32000"
)

// Options say which store to open.
type Options struct {
	// Path is the database file. Its directory is made if it is not there,
	// and locked.
	Path string
	// Locked: the caller holds the lock of that directory, and goes on to
	// hold it until the store is closed.
	Locked bool
	Keys   store.Keys
	// Simulated marks a new store as one of invented answers; an existing one
	// must have the same mark.
	Simulated bool
	// Region, if set, is where the store is kept: it must be the one of an
	// existing store, which has none until one is named.
	Region string
	// Moved: open the store also where it was moved elsewhere, to end that.
	Moved bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Retention is how long lists are kept after their end that say nothing of
	// it themselves; 0: for ever.
	Retention time.Duration
}

// Store is a store.Store in an SQLite file.
type Store struct {
	path    string
	now     func() time.Time
	sealer  *store.Sealer
	id      string
	lock    io.Closer // nil: the caller's
	writer  *writer
	short   *readers
	long    *readers
	intakes intakes
	beats   beats
	room    room
	slice   int // sliceSize, but in tests
	// maxOrphans is store.MaxOrphans, but in tests.
	maxOrphans int
	// oldIntakes is the newest batch that was there when the store was
	// opened: whoever was taking in such a one is dead.
	oldIntakes store.BatchNo
	retention  time.Duration
	expiring   sync.Mutex
	// logged: the log may hold something that was deleted.
	logged atomic.Bool
}

var _ store.Store = (*Store)(nil)

// Open opens the store, and makes or migrates it where needed. It fails at
// once with *store.LockedError, *store.SchemaError, *store.MarkError, *store.RegionError,
// *store.KeysError or *store.MovedError where the store is not to be used, and
// then has changed nothing in it.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	sealer, err := store.NewSealer(o.Keys)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	dir := filepath.Dir(o.Path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{path: o.Path, now: o.Now, sealer: sealer, room: room{dir: dir}, slice: sliceSize, maxOrphans: store.MaxOrphans, retention: o.Retention}
	if !o.Locked {
		if s.lock, err = store.LockDir(dir); err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := prepare(ctx, o); err != nil {
		return nil, err
	}
	c, err := openWriter(o.Path)
	if err != nil {
		return nil, err
	}
	facts, err := c.facts()
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	s.id = facts.ID()
	s.writer = startWriter(s, c)
	s.short, s.long = newReaders(o.Path, shortReaders), newReaders(o.Path, longReaders)
	return s, s.takeOver(ctx)
}

// prepare judges the file before anything is written to it, then brings it to
// the newest schema.
func prepare(ctx context.Context, o Options) error {
	// SQLite would make the file readable by everyone, and gives the files
	// beside it the mode of this one.
	f, err := os.OpenFile(o.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	has, err := inspect(o)
	if err != nil {
		return err
	}
	if err := migrate(ctx, o.Path, has); err != nil {
		return err
	}
	return sign(o)
}

func openWriter(path string) (conn, error) {
	raw, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenWAL)
	if err != nil {
		return conn{}, fmt.Errorf("open store: %w", classify(err))
	}
	c := conn{raw}
	c.SetBusyTimeout(busyTimeout)
	// A list's keys touch most pages of their index again and again: where 64 MB
	// may be logged, each is written back once for several pieces.
	err = c.pragmas("synchronous=FULL", "secure_delete=ON", "foreign_keys=OFF", "wal_autocheckpoint=16000",
		"journal_size_limit=134217728", "temp_store=MEMORY", "cache_size="+writerCache)
	if err == nil {
		err = c.assertDurable()
	}
	if err != nil {
		return conn{}, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c conn) pragmas(settings ...string) error {
	for _, s := range settings {
		if err := c.exec("PRAGMA " + s); err != nil {
			return fmt.Errorf("set %s: %w", s, classify(err))
		}
	}
	return nil
}

// assertDurable reads back what the promise stands on: a setting that SQLite
// does not know is ignored without a word.
func (c conn) assertDurable() error {
	const full = 2
	level, err := c.number("PRAGMA synchronous")
	if err != nil {
		return err
	}
	mode := ""
	if _, err := c.one("PRAGMA journal_mode", func(stmt *sqlite.Stmt) { mode = stmt.ColumnText(0) }); err != nil {
		return err
	}
	if level != full || !strings.EqualFold(mode, "wal") {
		return fmt.Errorf("open store: synchronous is %d and journal_mode %s, want %d and wal", level, mode, full)
	}
	return nil
}

// takeOver ends what earlier processes held.
func (s *Store) takeOver(ctx context.Context) error {
	_, err := write(ctx, s, func(t *tx) (none struct{}, err error) {
		newest, err := t.number("SELECT max(no) FROM batches")
		if err != nil {
			return none, err
		}
		s.oldIntakes = store.BatchNo(newest) //nolint:gosec // only batch numbers are stored there
		if err := t.exec("DELETE FROM workers"); err != nil {
			return none, err
		}
		if err := t.numberPast(s.sealer.LastDestroyed()); err != nil {
			return none, err
		}
		return none, t.exec("UPDATE tickets SET lease_until = 0, owner = '' WHERE lease_until > 0")
	})
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	return nil
}

// numberPast makes new batches have higher numbers than those whose keys were
// destroyed, of which a copy from before may know nothing.
func (t *tx) numberPast(no store.BatchNo) error {
	if no == 0 {
		return nil
	}
	if err := t.exec("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'batches'", no); err != nil || t.Changes() > 0 {
		return err
	}
	return t.exec("INSERT INTO sqlite_sequence (name, seq) VALUES ('batches', ?)", no)
}

// Close waits for what is under way and gives the directory free.
func (s *Store) Close() error {
	var err error
	for _, r := range []*readers{s.short, s.long} {
		if r != nil {
			err = errors.Join(err, r.close())
		}
	}
	if s.writer != nil {
		err = errors.Join(err, s.writer.close())
	}
	err = errors.Join(err, s.room.close())
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// ID implements store.Store.
func (s *Store) ID() string { return s.id }

// clock returns the time as it is stored.
func (s *Store) clock() time.Time { return store.Millis(s.now()) }
