package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/providers/sim"
)

// service is Plateq as people run it for large lists: serve, scheduler and a
// worker over PostgreSQL and Redis. Claims and sealing are on: they cannot be
// switched off.
func service() contender {
	return contender{name: "plateq", title: "**Plateq**, PostgreSQL and Redis", part: 1, run: func(ctx context.Context, b *bench, r *run) error {
		return b.plateqOnce(ctx, r, rig.Service(1), needsPostgres, needsRedis)
	}}
}

// embedded is Plateq as it comes: one process, SQLite, no Redis.
func embedded() contender {
	return contender{name: "embedded", title: "**Plateq**, embedded: SQLite, synchronous=FULL", part: 1, run: func(ctx context.Context, b *bench, r *run) error {
		return b.plateqOnce(ctx, r, []string{"up"})
	}}
}

// plateqOnce starts Plateq, lets it do the work, and ends it.
func (b *bench) plateqOnce(ctx context.Context, r *run, parts []string, needs ...string) (err error) {
	around, err := b.prepare(ctx, r.dir, needs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, around.close()) }()
	fleet, err := b.fleet(ctx, r, around, parts)
	if err != nil {
		return err
	}
	defer fleet.End()
	return r.plateq(ctx, fleet, around)
}

func (b *bench) fleet(ctx context.Context, r *run, around *surroundings, parts []string) (*rig.Fleet, error) {
	return rig.StartFleet(ctx, rig.FleetOptions{
		Program: b.plateq, Dir: r.dir, Database: around.database, Redis: around.redisURL(), Parts: parts, Env: r.settings(),
	})
}

// settings are what Plateq is told of the providers: as much as they bear, and
// that answers of batches are there at once.
func (r *run) settings() []string {
	atOnce := strconv.Itoa(r.atOnce)
	return []string{
		"PLATEQ_AOPAY_BASE_URL=" + r.up.url + "/aopay", "PLATEQ_AOPAY_REGISTRATION_ID=" + sim.DefaultToken,
		"PLATEQ_AOPAY_RATE=none", "PLATEQ_AOPAY_CONCURRENCY=" + atOnce,
		"PLATEQ_ATTESTR_BASE_URL=" + r.up.url + "/attestr", "PLATEQ_ATTESTR_AUTH_TOKEN=" + sim.DefaultToken,
		"PLATEQ_ATTESTR_RATE=none", "PLATEQ_ATTESTR_CONCURRENCY=" + atOnce,
		"PLATEQ_ATTESTR_BATCH_SIZE=" + strconv.Itoa(max(r.batch, 1)), "PLATEQ_ATTESTR_PAGE_SIZE=" + strconv.Itoa(pageSize),
		"PLATEQ_ATTESTR_POLL_MIN=100ms", "PLATEQ_ATTESTR_POLL_PRICE=0",
	}
}

func (t task) provider() string {
	if t.batch > 1 {
		return "attestr"
	}
	return "aopay"
}

// plateq hands the list to a fleet, waits until it is done, and fetches the
// results. What this program does for that counts as Plateq's.
func (r *run) plateq(ctx context.Context, fleet *rig.Fleet, around *surroundings) error {
	before, err := spentBy(fleet, around)
	if err != nil {
		return err
	}
	begun := time.Now()
	batch, err := r.submit(ctx, fleet.API)
	if err != nil {
		return err
	}
	r.intake = time.Since(begun)
	if err := r.await(ctx, fleet.API, batch.ID); err != nil {
		return err
	}
	r.asked = time.Since(begun) - r.intake
	if err := r.download(ctx, fleet.API, batch.ID); err != nil {
		return err
	}
	r.took = time.Since(begun)
	r.export = r.took - r.asked - r.intake
	if err := r.reckon(before, fleet, around); err != nil {
		return err
	}
	return checkResults(r.out, r.rows)
}

func (r *run) submit(ctx context.Context, api *client.Client) (client.Batch, error) {
	f, err := os.Open(r.list)
	if err != nil {
		return client.Batch{}, fmt.Errorf("read list: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := api.Submit(ctx, client.SubmitOptions{Provider: r.provider(), Format: client.CSV}, f)
	if err != nil {
		return b, fmt.Errorf("submit: %w", err)
	}
	if b.Rows != r.rows {
		return b, fmt.Errorf("submit: %d rows of %d were taken", b.Rows, r.rows)
	}
	return b, nil
}

// lookEvery is the pause between two looks at a batch.
const lookEvery = 50 * time.Millisecond

func (r *run) await(ctx context.Context, api *client.Client, id string) error {
	for {
		b, err := api.Batch(ctx, id)
		switch {
		case err != nil:
			return fmt.Errorf("look at the batch: %w", err)
		case b.State == client.Done && b.Counts[client.RowFound] != r.rows:
			return fmt.Errorf("look at the batch: %d rows of %d were found", b.Counts[client.RowFound], r.rows)
		case b.State == client.Done:
			return nil
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *run) download(ctx context.Context, api *client.Client, id string) error {
	f, err := os.Create(r.out)
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	err = api.Download(ctx, id, client.CSV, client.ResultsOptions{}, io.Writer(f))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// spentBy is what Plateq and its servers have used so far, and this program.
func spentBy(fleet *rig.Fleet, around *surroundings) (spent, error) {
	all, err := around.spent()
	if err != nil {
		return all, err
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return all, fmt.Errorf("read own time: %w", err)
	}
	all.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	parts, err := fleet.Usage()
	for _, p := range parts {
		all.own += p.CPU
	}
	return all, err
}
