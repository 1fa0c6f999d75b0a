package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/pgtest"
)

// lab is what cases are run in: a PostgreSQL for all of them, and a folder for
// what else each of them starts.
type lab struct {
	plateq  string // the program that is measured
	self    string // this program
	dir     string
	span    time.Duration // of a case
	verbose bool
	servers *pgtest.Server
	made    atomic.Int32 // databases
}

func newLab(plateq string, span time.Duration) (*lab, error) {
	plateq, err := filepath.Abs(plateq)
	if err == nil {
		_, err = os.Stat(plateq)
	}
	if err != nil {
		return nil, fmt.Errorf("find plateq: %w: build it, or name it with -plateq", err)
	}
	l := &lab{plateq: plateq, span: span}
	if l.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if l.dir, err = os.MkdirTemp("", "plateq-bench-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if l.servers, err = pgtest.New("-c", "fsync=off", "-c", "full_page_writes=off"); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return l, nil
}

// close removes everything, but for logs that are to be read.
func (l *lab) close(keep bool) {
	l.servers.Stop() // one that is killed still writes
	if err := l.servers.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, "remove PostgreSQL:", err)
	}
	if keep {
		fmt.Fprintln(os.Stderr, "the logs are in", l.dir)
		return
	}
	if err := os.RemoveAll(l.dir); err != nil {
		fmt.Fprintln(os.Stderr, "remove logs:", err)
	}
}

// database makes an empty one and returns its URL.
func (l *lab) database(ctx context.Context) (string, error) {
	c, err := pgx.Connect(ctx, l.servers.URL())
	if err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	defer c.Close(ctx) //nolint:errcheck // it was only asked
	name := "bench" + strconv.Itoa(int(l.made.Add(1)))
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return "postgres://postgres@" + l.servers.Addr() + "/" + name + "?sslmode=disable", nil
}
