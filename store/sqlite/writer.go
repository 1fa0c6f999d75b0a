package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// groupSize is how many waiting operations share a transaction, and so one
// sync of the disk.
const groupSize = 17

var errClosed = errors.New("the store is closed")

// tx is what an operation works on: the writing connection inside a
// transaction. Whatever it learns becomes true with the commit only.
type tx struct {
	conn
	s   *Store
	now time.Time
}

// operation is one caller's change.
type operation struct {
	ctx context.Context //nolint:containedctx // it travels with the operation through the queue
	run func(*tx) error
	// alone keeps others from waiting for the commit of a big one.
	alone bool
	// begun is taken by the writer when it starts, or by the caller when it
	// leaves: whoever is first.
	begun atomic.Bool
	err   error
	done  chan struct{}
}

// bareOperation is what cannot be done in a transaction.
type bareOperation struct {
	run  func(conn) error
	done chan error
}

// writer owns the only connection that writes. Operations that wait are
// committed together; each has a savepoint then, so that one that fails takes
// back nothing but its own.
type writer struct {
	s    *Store
	conn conn
	ops  chan *operation
	bare chan *bareOperation

	stop     chan struct{}
	stopOnce sync.Once
	stopped  chan struct{}
}

func startWriter(s *Store, c conn) *writer {
	w := &writer{
		s: s, conn: c, ops: make(chan *operation, groupSize), bare: make(chan *bareOperation),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go w.loop()
	return w
}

// do runs an operation and returns when it is committed or of no effect. If
// ctx ends first it is dropped, unless it was begun.
func (w *writer) do(ctx context.Context, alone bool, run func(*tx) error) error {
	op := &operation{ctx: ctx, run: run, alone: alone, done: make(chan struct{})}
	select {
	case <-w.stop:
		return errClosed
	default:
	}
	select {
	case w.ops <- op:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return errClosed
	}
	select {
	case <-op.done:
	case <-ctx.Done():
		if op.begun.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-op.done
	case <-w.stopped:
		// The last group may just have finished it.
		select {
		case <-op.done:
		default:
			return errClosed
		}
	}
	return op.err
}

// outside runs what cannot be done in a transaction, between two of them.
func (w *writer) outside(ctx context.Context, run func(conn) error) error {
	op := &bareOperation{run: run, done: make(chan error, 1)}
	select {
	case w.bare <- op:
		return classify(<-op.done)
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return errClosed
	}
}

// close ends the writer after the operations that it has begun.
func (w *writer) close() error {
	w.stopOnce.Do(func() { close(w.stop) })
	<-w.stopped
	return w.conn.Close()
}

func (w *writer) loop() {
	defer close(w.stopped)
	for {
		select {
		case <-w.stop:
			return
		case op := <-w.ops:
			w.commit(w.gather(op))
		case op := <-w.bare:
			op.done <- op.run(w.conn)
		}
	}
}

// gather adds the operations that wait to the first one.
func (w *writer) gather(first *operation) []*operation {
	group := []*operation{first}
	for len(group) < groupSize && !group[len(group)-1].alone {
		select {
		case op := <-w.ops:
			group = append(group, op)
		default:
			return group
		}
	}
	return group
}

// commit runs a group in one transaction and tells the callers once that has
// been synced.
func (w *writer) commit(group []*operation) {
	group = begin(group)
	if len(group) == 0 {
		return
	}
	if err := w.transact(group); err != nil {
		// Nothing of the group is stored, whatever each of them got so far.
		err = classify(err)
		for _, op := range group {
			op.err = err
		}
	}
	for _, op := range group {
		close(op.done)
	}
}

// begin leaves out operations whose callers have gone.
func begin(group []*operation) []*operation {
	kept := group[:0]
	for _, op := range group {
		if op.ctx.Err() == nil && op.begun.CompareAndSwap(false, true) {
			kept = append(kept, op)
			continue
		}
		op.err = op.ctx.Err()
		close(op.done)
	}
	return kept
}

func (w *writer) transact(group []*operation) (err error) {
	if err := w.conn.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() {
		if err != nil && !w.conn.AutocommitEnabled() {
			_ = w.conn.exec("ROLLBACK") // what cannot be rolled back is never committed either
		}
	}()
	t := &tx{conn: w.conn, s: w.s, now: w.s.clock()}
	if len(group) == 1 { // it has the transaction to itself, which takes back all of it
		if err := group[0].run(t); err != nil {
			return err
		}
	} else {
		for _, op := range group {
			if err := t.attempt(op); err != nil {
				return err
			}
		}
	}
	if err := w.conn.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// attempt runs one operation in a savepoint. It returns an error only where
// the whole transaction is lost: on a full disk SQLite may roll all of it
// back by itself.
func (t *tx) attempt(op *operation) error {
	if err := t.exec("SAVEPOINT op"); err != nil {
		return err
	}
	op.err = op.run(t)
	if op.err != nil {
		if t.AutocommitEnabled() {
			return op.err
		}
		if err := t.exec("ROLLBACK TO op"); err != nil {
			return err
		}
		op.err = classify(op.err)
	}
	return t.exec("RELEASE op")
}

// write runs a change and returns what it found, once it is committed.
func write[T any](ctx context.Context, s *Store, run func(*tx) (T, error)) (T, error) {
	return writeGrouped(ctx, s, false, run)
}

// writeAlone is write for changes so big that others should not wait for
// their commit.
func writeAlone[T any](ctx context.Context, s *Store, run func(*tx) (T, error)) (T, error) {
	return writeGrouped(ctx, s, true, run)
}

func writeGrouped[T any](ctx context.Context, s *Store, alone bool, run func(*tx) (T, error)) (T, error) {
	var result T
	err := s.writer.do(ctx, alone, func(t *tx) (err error) {
		result, err = run(t)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}
