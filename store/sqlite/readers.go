package sqlite

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
)

// readerCount bounds how many callers read at once. Each connection costs
// readerCache of memory.
const (
	readerCount = 4
	readerCache = "-2000" // KiB, negative as SQLite wants it
)

// readers is a pool of connections that cannot write.
type readers struct {
	free chan conn
	done chan struct{}
	n    int
}

func openReaders(path string) (*readers, error) {
	r := &readers{free: make(chan conn, readerCount), done: make(chan struct{})}
	for range readerCount {
		c, err := openReader(path)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.free <- c
		r.n++
	}
	return r, nil
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

// close waits for those who read.
func (r *readers) close() error {
	close(r.done)
	var err error
	for range r.n {
		c := <-r.free
		err = errors.Join(err, c.Close())
	}
	return err
}

// read runs f on one snapshot of the store. The writer goes on meanwhile.
func read[T any](ctx context.Context, s *Store, f func(conn) (T, error)) (T, error) {
	var none T
	var c conn
	select {
	case c = <-s.readers.free:
	case <-s.readers.done:
		return none, errClosed
	case <-ctx.Done():
		return none, ctx.Err()
	}
	defer func() { s.readers.free <- c }()
	c.SetInterrupt(ctx.Done())
	result, err := snapshot(c, f)
	c.SetInterrupt(nil)
	if err != nil && ctx.Err() != nil {
		return none, ctx.Err()
	}
	if err != nil {
		return none, classify(err)
	}
	return result, nil
}

func snapshot[T any](c conn, f func(conn) (T, error)) (result T, err error) {
	if err := c.exec("BEGIN"); err != nil {
		return result, err
	}
	result, err = f(c)
	interrupt := c.SetInterrupt(nil)
	defer c.SetInterrupt(interrupt)
	return result, errors.Join(err, c.exec("ROLLBACK"))
}
