package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/sqlite"
)

// Schema says how the schema of the configured store stands. It changes
// nothing, and the store may be in use.
func Schema(ctx context.Context, o Options) (store.Schema, error) {
	a := &App{opts: o}
	if a.shared() {
		s, err := postgres.Schema(ctx, o.Config.DatabaseURL.Reveal())
		return s, openingError("PLATEQ_DATABASE_URL", err)
	}
	path, err := a.databasePath()
	if err != nil {
		return store.Schema{}, Usage(err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return store.Schema{}, Usage(fmt.Errorf("there is no store at %s", path))
	}
	s, err := sqlite.Schema(path)
	return s, openingError(a.dataDir(), err)
}

func openingError(where string, err error) error {
	if err == nil {
		return nil
	}
	return explainOpen(where, err)
}

// Migrate brings the schema of the configured store to the newest version. It
// returns how the schema stood before.
func Migrate(ctx context.Context, o Options) (before store.Schema, err error) {
	if before, err = Schema(ctx, o); err != nil {
		return before, err
	}
	a := &App{opts: o, log: o.Log, now: clock(o), parts: Books}
	err = a.openBooks(ctx)
	return before, errors.Join(err, a.Close())
}

func clock(o Options) func() time.Time {
	if o.Now == nil {
		return time.Now
	}
	return o.Now
}

// Moved is what MoveTo did.
type Moved struct {
	store.Transfer
	// KeyFile holds the lines that every process now needs as environment
	// variables; empty: they are in the environment already.
	KeyFile string
}

// MoveTo copies all that the SQLite store holds into the empty PostgreSQL
// database of that URL, and marks the SQLite store as moved, which is then
// refused by everybody. Nobody else can use the store meanwhile.
//
// Until the copy is complete and checked, nothing has changed on either side:
// a MoveTo that failed or was killed is simply begun again. One that was killed
// over the commit itself leaves a store that is refused until MoveTo, with the
// same URL, has found out what became of it.
func MoveTo(ctx context.Context, o Options, url string) (m Moved, err error) {
	switch {
	case o.Config.Shared():
		return m, Usage(errors.New("PLATEQ_DATABASE_URL: it names a PostgreSQL already: unset it, an SQLite store is what can be moved"))
	case !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://"):
		return m, Usage(errors.New("--to: it must be a postgres:// URL"))
	}
	a, st, err := openMoving(ctx, o)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	was, err := st.Departure(ctx)
	if err == nil && was.Done {
		err = Usage(&store.MovedError{Departure: was})
	}
	if err == nil {
		err = a.tidy(ctx, was)
	}
	if err != nil {
		return m, err
	}
	if m.Transfer, err = a.copyTo(ctx, st, url, was); err != nil {
		return m, err
	}
	_, given, err := o.Config.Keys()
	if err == nil && !given {
		m.KeyFile = filepath.Join(a.dataDir(), "keys")
	}
	return m, err
}

// openMoving opens an SQLite store that may have been moved away.
func openMoving(ctx context.Context, o Options) (*App, *sqlite.Store, error) {
	a := &App{opts: o, log: o.Log, now: clock(o), parts: Books, moving: true}
	if path, err := a.databasePath(); err != nil {
		return nil, nil, Usage(err)
	} else if _, err := os.Stat(path); err != nil {
		return nil, nil, Usage(fmt.Errorf("there is no store at %s", path))
	}
	if err := a.openBooks(ctx); err != nil {
		return nil, nil, errors.Join(err, a.Close())
	}
	st, ok := a.store.(*sqlite.Store)
	if !ok {
		return nil, nil, errors.Join(Usage(errors.New("the store is no SQLite store")), a.Close())
	}
	return a, st, nil
}

// tidy brings the store into a state that means the same elsewhere: what
// belongs to a process that is gone is ended, and the books balance.
func (a *App) tidy(ctx context.Context, was store.Departure) error {
	if err := a.unspooled(" for the store", ", then move"); err != nil {
		return err
	}
	if !was.At.IsZero() {
		return nil // it was tidy, and may be complete elsewhere: nothing changes any more
	}
	if err := a.OldCopy(ctx); err != nil {
		return &ExitError{Code: ExitFailure, Err: err}
	}
	if err := a.takeBack(ctx); err != nil {
		return fmt.Errorf("go on with lists that a run set aside: %w", err)
	}
	if _, err := a.store.AbandonIntakes(ctx); err != nil {
		return fmt.Errorf("drop lists that were never accepted: %w", err)
	}
	report, err := a.store.Check(ctx)
	if err != nil {
		return err
	}
	if n := len(report.Problems); n > 0 {
		return &ExitError{Code: ExitFailure, Err: fmt.Errorf("the books do not balance: %d problems: see plateq check", n)}
	}
	return nil
}

// copyTo copies and marks. The mark comes before the commit and is made final
// after it, so that at no moment both stores can be used.
func (a *App) copyTo(ctx context.Context, st *sqlite.Store, url string, was store.Departure) (done store.Transfer, err error) {
	begun := store.Departure{At: a.now()}
	err = st.Dump(ctx, func(d store.Dump) error {
		done, err = postgres.Load(ctx, url, d, func() error { return st.Depart(context.WithoutCancel(ctx), begun) })
		return err
	})
	if other, ok := errors.AsType[*store.OccupiedError](err); ok {
		return done, Usage(fmt.Errorf("move to PostgreSQL: %w: give an empty one, or an empty schema by ?search_path=NAME", other))
	}
	if err == nil && done.Again && was.At.IsZero() {
		err = Usage(errors.New("the database holds this store already, from a move that this copy of it does not know of"))
	}
	if err != nil {
		return done, fmt.Errorf("move to PostgreSQL: %w", err)
	}
	begun.Done = true
	return done, st.Depart(context.WithoutCancel(ctx), begun)
}

// UndoMove makes an SQLite store that was moved usable again. Whatever the
// other store did since is unknown to it: what was paid for there would be paid
// for again. It returns the mark that it took away.
func UndoMove(ctx context.Context, o Options) (was store.Departure, err error) {
	a, st, err := openMoving(ctx, o)
	if err != nil {
		return was, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if was, err = st.Departure(ctx); err != nil || was.At.IsZero() {
		return was, err
	}
	return was, st.Depart(ctx, store.Departure{})
}
