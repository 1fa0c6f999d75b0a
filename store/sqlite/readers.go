package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"zombiezen.com/go/sqlite"
)

// readerCount bounds how many callers read at once. Each connection costs
// readerCache of memory.
const (
	readerCount = 4
	readerCache = "-2000" // KiB, negative as SQLite wants it
)

// readers is a pool of connections that cannot write, opened as they are
// needed.
type readers struct {
	path  string
	slots chan struct{} // one for each caller who reads
	done  chan struct{}

	mu   sync.Mutex
	idle []conn // the last used is used next, its pages are at hand
}

func newReaders(path string) *readers {
	return &readers{path: path, slots: make(chan struct{}, readerCount), done: make(chan struct{})}
}

func (r *readers) take(ctx context.Context) (conn, error) {
	select {
	case <-r.done:
		return conn{}, errClosed
	default:
	}
	select {
	case r.slots <- struct{}{}:
	case <-r.done:
		return conn{}, errClosed
	case <-ctx.Done():
		return conn{}, ctx.Err()
	}
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	c, err := openReader(r.path)
	if err != nil {
		<-r.slots
	}
	return c, err
}

func (r *readers) give(c conn) {
	r.mu.Lock()
	r.idle = append(r.idle, c)
	r.mu.Unlock()
	<-r.slots
}

// close waits for those who read.
func (r *readers) close() error {
	close(r.done)
	for range cap(r.slots) {
		r.slots <- struct{}{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for _, c := range r.idle {
		err = errors.Join(err, c.Close())
	}
	return err
}

func openReader(path string) (conn, error) {
	raw, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return conn{}, fmt.Errorf("open reader: %w", classify(err))
	}
	c := conn{raw}
	c.SetBusyTimeout(busyTimeout)
	if err := c.pragmas("cache_size="+readerCache, "temp_store=MEMORY", "query_only=ON"); err != nil {
		return conn{}, errors.Join(err, c.Close())
	}
	return c, nil
}

// read runs f on one snapshot of the store. The writer goes on meanwhile.
func read[T any](ctx context.Context, s *Store, f func(conn) (T, error)) (T, error) {
	var none T
	c, err := s.readers.take(ctx)
	if err != nil {
		return none, err
	}
	defer s.readers.give(c)
	c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(nil)
	result, err := snapshot(c, f)
	if err == nil {
		return result, nil
	}
	if sqlite.ErrCode(err) == sqlite.ResultInterrupt && ctx.Err() != nil {
		return none, ctx.Err()
	}
	return none, classify(err)
}

func snapshot[T any](c conn, f func(conn) (T, error)) (result T, err error) {
	if err := c.exec("BEGIN"); err != nil {
		return result, err
	}
	result, err = f(c)
	c.SetInterrupt(nil) // what ends the snapshot is not to be interrupted
	if end := c.exec("ROLLBACK"); err == nil {
		err = end
	}
	return result, err
}
