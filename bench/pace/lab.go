package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// lab is what cases are run in: a PostgreSQL for all of them, and a folder for
// what else each of them starts.
type lab struct {
	plateq  string // the program that is measured
	self    string // this program
	dir     string
	span    time.Duration // of a case
	verbose bool
	servers *rig.Postgres
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
	if l.servers, err = rig.StartPostgres("-c", "fsync=off", "-c", "full_page_writes=off"); err != nil {
		return nil, err
	}
	return l, nil
}

// close removes everything, but for logs that are to be read.
func (l *lab) close(keep bool) {
	if err := l.servers.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if keep {
		fmt.Fprintln(os.Stderr, "the logs are in", l.dir)
		return
	}
	if err := os.RemoveAll(l.dir); err != nil {
		fmt.Fprintln(os.Stderr, "remove logs:", err)
	}
}
