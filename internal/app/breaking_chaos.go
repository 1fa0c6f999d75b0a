//go:build chaos

package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/store"
)

// broken gives options the clock and the watch that the environment asks for.
func broken(o Options) (Options, error) {
	b := config.BreakingFromOS()
	if b.Vitals != "" {
		go tellVitals(b.Vitals)
	}
	if b.ClockOffset == "" || o.Now != nil {
		return o, nil
	}
	if filepath.IsAbs(b.ClockOffset) {
		o.Now = func() time.Time { return time.Now().Add(offsetIn(b.ClockOffset)) }
		return o, nil
	}
	by, err := time.ParseDuration(b.ClockOffset)
	if err != nil {
		return o, Usage(fmt.Errorf("PLATEQ_TEST_CLOCK_OFFSET: %w", err))
	}
	o.Now = func() time.Time { return time.Now().Add(by) }
	return o, nil
}

// offsetIn reads an offset from a file; none where there is nothing to read.
func offsetIn(path string) time.Duration {
	text, err := os.ReadFile(path) //nolint:gosec // the test's own
	if err != nil {
		return 0
	}
	by, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return by
}

// tellVitals writes down how many goroutines there are, for as long as the
// process lives.
func tellVitals(path string) {
	for range time.Tick(time.Second) {
		_ = os.WriteFile(path, []byte(strconv.Itoa(runtime.NumGoroutine())), 0o600) // whoever reads it looks at its age
	}
}

// The points at which a process can be asked to fail.
const (
	inBuild    = "build"       // a request is put together: it panics over a plate
	afterClaim = "after_claim" // the claim is committed, nothing is sent
	afterRead  = "after_read"  // the answer is here, and not stored
)

// failing is the store of a process that ends at a point.
func (a *App) failing(s store.Store) store.Store {
	fail := config.BreakingFromOS().Fail
	if fail == "" || strings.HasPrefix(fail, inBuild+":") {
		return s
	}
	f := &failingStore{Store: s}
	words := append(strings.Split(fail, ":"), "1")
	n, err := strconv.Atoi(words[2])
	if len(words) > 4 || words[0] != afterClaim && words[0] != afterRead || words[1] != "kill" || err != nil {
		a.log.Fatal().Msg("PLATEQ_FAIL: want after_claim:kill or after_read:kill, and perhaps :N for the Nth time")
	}
	f.at, f.left = words[0], &atomic.Int64{}
	f.left.Store(int64(n))
	return f
}

type failingStore struct {
	store.Store
	at   string
	left *atomic.Int64 // how often the point is passed before the end
}

func (f *failingStore) pass(point string) {
	if f.at == point && f.left.Add(-1) == 0 {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // the signal ends it
	}
}

// Claim implements store.Work.
func (f *failingStore) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	c, err := f.Store.Claim(ctx, r)
	if err == nil && len(c.Asks) > 0 {
		f.pass(afterClaim)
	}
	return c, err
}

// Settle implements store.Work.
func (f *failingStore) Settle(ctx context.Context, s store.Settlement) (store.Settled, error) {
	f.pass(afterRead)
	return f.Store.Settle(ctx, s)
}

// failingProvider is Attestr where the putting together of a request panics
// over a plate: "build:panic:KA01AB1234".
func failingProvider(p providers.Provider) providers.Provider {
	plate, asked := strings.CutPrefix(config.BreakingFromOS().Fail, inBuild+":panic:")
	if one, ok := p.(*attestr.Provider); ok && asked {
		return panicking{one, plate}
	}
	return p
}

type panicking struct {
	*attestr.Provider
	plate string
}

// Submit implements providers.Provider.
func (p panicking) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	for _, r := range reqs {
		if r.Subject[providers.Plate] == p.plate {
			panic("asked to")
		}
	}
	return p.Provider.Submit(ctx, reqs)
}
