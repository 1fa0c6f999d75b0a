package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"zombiezen.com/go/sqlite"
)

// How many callers read at once. What takes long, or as long as somebody
// downloads, has connections of its own, so that it holds up no one who needs
// a short answer to go on. Each connection costs readerCache of memory.
const (
	shortReaders = 4
	longReaders  = 3
	readerCache  = "-2000" // KiB, negative as SQLite wants it
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

func newReaders(path string, count int) *readers {
	return &readers{path: path, slots: make(chan struct{}, count), done: make(chan struct{})}
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

// read runs f on one snapshot of the store. The writer goes on meanwhile. f is
// short and waits for nobody.
func read[T any](ctx context.Context, s *Store, f func(conn) (T, error)) (T, error) {
	return readFrom(ctx, s.short, f)
}

// readLong is read for what goes through everything, or calls somebody who may
// be slow. While it lasts the log beside the file grows by what is written,
// as SQLite begins the log anew only when nobody reads an older state; it
// shrinks again afterwards.
func readLong[T any](ctx context.Context, s *Store, f func(conn) (T, error)) (T, error) {
	return readFrom(ctx, s.long, f)
}

func readFrom[T any](ctx context.Context, pool *readers, f func(conn) (T, error)) (T, error) {
	var none T
	c, err := pool.take(ctx)
	if err != nil {
		return none, err
	}
	defer pool.give(c)
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
