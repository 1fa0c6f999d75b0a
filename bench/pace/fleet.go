package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
)

// fleet is Plateq as people run it: serve, scheduler and workers, each a
// process, over one Redis and one PostgreSQL.
type fleet struct {
	program   string
	dir       string
	processes []*process
	api       *client.Client
}

// startFleet starts the parts with so many workers and returns when the API
// answers.
func (l *lab) startFleet(ctx context.Context, redis *redisServer, workers int, s settings) (_ *fleet, err error) {
	database, err := l.database(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := exec.CommandContext(ctx, l.plateq, "config", "--make-keys").Output() //nolint:gosec // the program that is measured
	if err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	f := &fleet{program: l.plateq, dir: redis.dir}
	env := append(strings.Fields(string(keys)),
		"PLATEQ_DATABASE_URL="+database, "PLATEQ_REDIS_URL="+redis.url(), "PLATEQ_DATA_DIR="+redis.dir+"/data",
		"PLATEQ_LISTEN=127.0.0.1:"+port, "PLATEQ_LOG_FORMAT=json")
	for k, v := range s {
		env = append(env, "PLATEQ_ATTESTR_"+k+"="+v)
	}
	if f.api, err = client.New("http://127.0.0.1:"+port, client.Options{HTTPClient: &http.Client{Timeout: time.Minute}}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.end()
		}
	}()
	if err := f.add(env, "serve"); err != nil {
		return nil, err
	}
	if err := f.ready(ctx); err != nil { // it has made the tables
		return nil, err
	}
	for _, part := range append([]string{"scheduler"}, slices.Repeat([]string{"worker"}, workers)...) {
		if err := f.add(env, part); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *fleet) add(env []string, part string) error {
	p, err := start(f.dir, fmt.Sprintf("%s-%d", part, len(f.processes)), env, f.program, part)
	if err == nil {
		f.processes = append(f.processes, p)
	}
	return err
}

// ready waits until the API answers.
func (f *fleet) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := f.api.Healthy(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-f.processes[0].done:
			return fmt.Errorf("plateq serve has ended: see its log in %s", f.dir)
		case <-ctx.Done():
			return fmt.Errorf("wait for plateq serve: %w", err)
		}
	}
}

// end ends all processes. What they hold is of no use any more.
func (f *fleet) end() {
	for _, p := range f.processes {
		p.kill()
	}
}
