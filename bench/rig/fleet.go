package rig

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

// Fleet is Plateq as people run it, over one Redis and one PostgreSQL or, as
// one process, with what is embedded.
type Fleet struct {
	API *client.Client

	url       string
	o         FleetOptions
	env       []string
	parts     []string
	processes []*Process
}

// FleetOptions say what a fleet is made of.
type FleetOptions struct {
	Program string // plateq
	Dir     string // of logs and data
	// Database and Redis are URLs; empty: embedded.
	Database, Redis string
	// Parts are the processes; the first one serves the API.
	Parts []string
	// Env are further variables, such as PLATEQ_ATTESTR_RATE=5.
	Env []string
}

// Service are the parts of a fleet with so many workers.
func Service(workers int) []string {
	return append([]string{"serve", "scheduler"}, slices.Repeat([]string{"worker"}, workers)...)
}

// StartFleet starts the parts, and returns when the API answers.
func StartFleet(ctx context.Context, o FleetOptions) (_ *Fleet, err error) {
	keys, err := exec.CommandContext(ctx, o.Program, "config", "--make-keys").Output() //nolint:gosec // the program that is measured
	if err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	f := &Fleet{o: o}
	f.env = append(strings.Fields(string(keys)),
		"PLATEQ_DATA_DIR="+o.Dir+"/data", "PLATEQ_LISTEN=127.0.0.1:"+port, "PLATEQ_LOG_FORMAT=json")
	if o.Database != "" {
		f.env = append(f.env, "PLATEQ_DATABASE_URL="+o.Database)
	}
	if o.Redis != "" {
		f.env = append(f.env, "PLATEQ_REDIS_URL="+o.Redis)
	}
	f.env = append(f.env, o.Env...)
	f.url = "http://127.0.0.1:" + port
	if f.API, err = client.New(f.url, client.Options{HTTPClient: &http.Client{Timeout: time.Hour}}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.End()
		}
	}()
	for i, part := range o.Parts {
		if err := f.add(part); err != nil {
			return nil, err
		}
		if i > 0 {
			continue
		}
		if err := f.ready(ctx); err != nil { // it has made the tables
			return nil, err
		}
	}
	return f, nil
}

// URL is where the API and the pages are.
func (f *Fleet) URL() string { return f.url }

func (f *Fleet) add(part string) error {
	p, err := Start(f.o.Dir, fmt.Sprintf("%s-%d", part, len(f.processes)), f.env, f.o.Program, part)
	if err == nil {
		f.processes, f.parts = append(f.processes, p), append(f.parts, part)
	}
	return err
}

// Add starts one more process of a part.
func (f *Fleet) Add(part string) error { return f.add(part) }

// Living returns the processes of a part that have not ended, the oldest first.
func (f *Fleet) Living(part string) []*Process {
	var all []*Process
	for i, p := range f.processes {
		if f.parts[i] == part && !p.Ended() {
			all = append(all, p)
		}
	}
	return all
}

// PartUsage is what one process of a fleet has used.
type PartUsage struct {
	Part string // such as worker
	Usage
}

// Usage is what the processes have used so far.
func (f *Fleet) Usage() ([]PartUsage, error) {
	var all []PartUsage
	for i, p := range f.processes {
		u, err := p.Usage()
		if err != nil {
			return nil, fmt.Errorf("plateq %s: %w", f.parts[i], err)
		}
		all = append(all, PartUsage{f.parts[i], u})
	}
	return all, nil
}

// ready waits until the API answers.
func (f *Fleet) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := f.API.Healthy(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-f.processes[0].Done():
			return fmt.Errorf("plateq serve has ended: see its log in %s", f.o.Dir)
		case <-ctx.Done():
			return fmt.Errorf("wait for plateq serve: %w", err)
		}
	}
}

// End ends all processes. What they hold is of no use any more.
func (f *Fleet) End() {
	for _, p := range f.processes {
		p.Kill()
	}
}
