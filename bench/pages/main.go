// Pages measures how fast the pages of Plateq come where the store holds a
// large list, over SQLite and over PostgreSQL. It starts all that it needs on
// free loopback ports, ends it, and prints a table in Markdown.
//
//	go run ./pages -plateq ../bin/plateq
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/providers/sim"
)

func main() {
	binary := flag.String("plateq", "../bin/plateq", "the program that is measured")
	rows := flag.Int("rows", 1_000_000, "rows of the list that the store holds")
	times := flag.Int("times", 20, "how often each page is asked for")
	flag.Parse()
	if err := measure(context.Background(), *binary, *rows, *times); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, binary string, rows, times int) (err error) {
	if binary, err = filepath.Abs(binary); err != nil {
		return fmt.Errorf("find program: %w", err)
	}
	upstream, err := play(ctx)
	if err != nil {
		return err
	}
	defer upstream.Close() //nolint:errcheck // nobody asks it any more
	fmt.Printf("A list of %d rows that is done, and one of 100,000 under way; each page %d times.\n\n", rows, times)
	fmt.Println("| page | SQLite: median | most | PostgreSQL: median | most |\n|---|---|---|---|---|")
	m := &measured{took: map[string][]timing{}}
	for _, run := range []func(context.Context, string, func(*rig.Fleet) error) error{overSQLite(upstream.Addr, binary), overPostgres(upstream.Addr, binary)} {
		dir, err := os.MkdirTemp("", "plateq-bench-")
		if err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		err = run(ctx, dir, func(f *rig.Fleet) error { return m.visit(ctx, f, rows, times) })
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return err
		}
	}
	m.print()
	return nil
}

// play plays the providers.
func play(ctx context.Context) (*http.Server, error) {
	s, err := sim.New(sim.Options{Answers: sim.Answers{Found: 1}, Accounts: []sim.Account{
		{Provider: "attestr", Name: "bench", Token: sim.DefaultToken, Credit: sim.Unlimited, PageMax: 200},
	}})
	if err != nil {
		return nil, fmt.Errorf("start the stand-in: %w", err)
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the stand-in: %w", err)
	}
	web := &http.Server{Addr: on.Addr().String(), Handler: s.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(on) }()
	return web, nil
}

func settings(upstream string) []string {
	return []string{
		"PLATEQ_ATTESTR_BASE_URL=http://" + upstream + "/attestr", "PLATEQ_ATTESTR_AUTH_TOKEN=" + sim.DefaultToken,
		"PLATEQ_ATTESTR_RATE=none", "PLATEQ_ATTESTR_CONCURRENCY=16", "PLATEQ_ATTESTR_BATCH_SIZE=1000", "PLATEQ_ATTESTR_PAGE_SIZE=200",
		"PLATEQ_ATTESTR_POLL_MIN=100ms", "PLATEQ_ATTESTR_POLL_PRICE=0", "PLATEQ_LOG_LEVEL=warn",
	}
}

func overSQLite(upstream, binary string) func(context.Context, string, func(*rig.Fleet) error) error {
	return func(ctx context.Context, dir string, f func(*rig.Fleet) error) error {
		return with(ctx, rig.FleetOptions{Program: binary, Dir: dir, Parts: []string{"up"}, Env: settings(upstream)}, f)
	}
}

func overPostgres(upstream, binary string) func(context.Context, string, func(*rig.Fleet) error) error {
	return func(ctx context.Context, dir string, f func(*rig.Fleet) error) (err error) {
		redis, err := rig.StartRedis(dir)
		if err != nil {
			return err
		}
		defer redis.Kill()
		postgres, err := rig.StartPostgres()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, postgres.Close()) }()
		return with(ctx, rig.FleetOptions{
			Program: binary, Dir: dir, Parts: rig.Service(1), Env: settings(upstream), Database: postgres.URL(), Redis: redis.URL(),
		}, f)
	}
}

func with(ctx context.Context, o rig.FleetOptions, f func(*rig.Fleet) error) error {
	fleet, err := rig.StartFleet(ctx, o)
	if err != nil {
		return err
	}
	defer fleet.End()
	return f(fleet)
}

// fill gives the store a list that is done, and one that is not.
func fill(ctx context.Context, f *rig.Fleet, rows int) (done, running client.Batch, err error) {
	o := client.SubmitOptions{Provider: "attestr", Format: client.CSV}
	list := io.MultiReader(rig.Plates(rows), strings.NewReader("??\n")) // the last row alone is invalid
	if done, err = f.API.Submit(ctx, o, list); err != nil {
		return done, running, err
	}
	if done, err = f.API.Wait(ctx, done.ID, nil); err != nil {
		return done, running, err
	}
	o.Fresh = true
	if running, err = f.API.Submit(ctx, o, rig.Plates(100_000)); err != nil {
		return done, running, err
	}
	running, err = f.API.Pause(ctx, running.ID)
	return done, running, err
}
