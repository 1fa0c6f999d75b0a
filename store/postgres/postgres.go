// Package postgres keeps a store in a schema of a PostgreSQL database, version
// 14 or later, that any number of processes use at once.
//
// # Locks
//
// A transaction locks what it decides about and reads it again under the lock.
// Whoever takes several locks takes them in this order, and those of one kind
// in the order of their keys, so that nobody waits in a circle:
//
//  1. the identity of a list (advisory), the rows of batches, then whether
//     answers may go (advisory, shared by those who put rows on them)
//  2. cuts: how far a batch is cut into chunks
//  3. chunks. The lock of a chunk is also that of its marks, of its calls, and
//     of who wants its asks. Asks that are in no chunk belong to the cut
//  4. ask_keys
//  5. names of tickets (advisory), tickets, orphans
//  6. gates
//  7. tallies, because many come to the same few
//  8. what hooks were told, then hooks, whose lock is that of their deliveries
//
// A settlement that sets done batches running again needs rows of batches
// while it holds a chunk: against the order it does not wait for them but
// begins anew. No statement locks a table, but for migrations.
//
// # Done
//
// That a batch is done can be seen only when the settlements that brought its
// last answers are committed, so it is looked for after the commit. What a
// process that dies in between leaves undone is done by Finish.
//
// # Durability
//
// Nothing is reported before its commit is answered, with synchronous_commit
// at least on. A claim whose commit is not answered is reported as an error,
// must not be sent, and is taken back as soon as it can be seen what became of
// it. If this process ends before that, the call is judged like those of any
// dead worker.
//
// # Clocks
//
// Whether a worker or an intake lives is told by the server's clock, by which
// both its sign of life and its silence are measured. All other times are
// those of the processes, whose clocks must agree within a few seconds: a
// clock that runs fast by a minute lets its process judge calls a minute
// before their time.
//
// # Connections
//
// Each process holds up to PoolSize connections, and the server must allow as
// many for all of them. After a restart of the server they are made anew; what
// was under way then fails with store.ErrAway, or store.ErrFull where its disk
// is full. Sessions must be this store's own: a pooler between the two has to
// give each connection a session, not each transaction.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plateq/plateq/store"
)

// DefaultPoolSize is enough for what two cores can claim, settle and export
// at once. More connections make a server with few cores slower.
const DefaultPoolSize = 16

// Options say which store to open.
type Options struct {
	// URL is a postgres:// URL. Its search_path, if given, names the schema,
	// which must be there. Parameters of the URL override the settings of
	// sessions that Open makes.
	URL string
	// Keys must be given: they are not kept beside the database.
	Keys store.Keys
	// Simulated marks a new store as one of invented answers; an existing one
	// must have the same mark.
	Simulated bool
	// Region, if set, is where the store is kept: it must be the one of an
	// existing store, which has none until one is named.
	Region string
	// Now is the clock, also for signs of life; nil: time.Now, and the
	// server's clock for these.
	Now func() time.Time
	// PoolSize bounds the connections of this process; 0: DefaultPoolSize.
	// Half of them may be busy with reading rows out.
	PoolSize int
	// Retention is how long lists are kept after their end that say nothing of
	// it themselves; 0: for ever.
	Retention time.Duration
}

// Store is a store.Store in a PostgreSQL schema.
type Store struct {
	pool   *pgxpool.Pool
	now    func() time.Time
	sealer *store.Sealer
	id     string
	blocks blocks
	// serverClock: signs of life are measured by the server's clock.
	serverClock bool
	maxOrphans  int // store.MaxOrphans, but in tests
	retention   time.Duration
	// exports bounds how many connections slow readers hold.
	exports chan struct{}

	// background are the claims that are being taken back.
	background sync.WaitGroup
	closing    context.Context //nolint:containedctx // it is the store's life, not a caller's
	end        context.CancelFunc
}

var _ store.Store = (*Store)(nil)

// Open opens the store, and makes or migrates it where needed. Several
// processes may do so at once. It fails at once with *store.SchemaError,
// *store.MarkError, *store.RegionError or *store.KeysError where the store is not to be used, and
// then has changed nothing in it, with *store.ReachError where the server is not
// the one, or not reached in the way, that the URL wants, and with store.ErrAway
// where it does not answer.
func Open(ctx context.Context, o Options) (*Store, error) {
	sealer, err := store.NewSealer(o.Keys)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if o.PoolSize <= 0 {
		o.PoolSize = DefaultPoolSize
	}
	config, err := poolConfig(o)
	if err != nil {
		return nil, err
	}
	id, err := migrate(ctx, config.ConnConfig, o)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", classify(err))
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", classify(err))
	}
	s := &Store{
		pool: pool, now: o.Now, sealer: sealer, id: id, serverClock: o.Now == nil,
		exports: make(chan struct{}, max(1, o.PoolSize/2)), maxOrphans: store.MaxOrphans, retention: o.Retention,
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.closing, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Close waits for what is under way and ends the connections.
func (s *Store) Close() error {
	s.end()
	s.background.Wait()
	s.pool.Close()
	return nil
}

// ID implements store.Store.
func (s *Store) ID() string { return s.id }

// clock returns the time as it is stored.
func (s *Store) clock() time.Time { return store.Millis(s.now()) }

// errAgain says that somebody else was faster and that nothing was decided.
var errAgain = errors.New("others changed the same at once")
