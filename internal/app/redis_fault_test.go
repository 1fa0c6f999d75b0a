package app_test

import (
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/redistest"
)

func TestRedisIsKilledWithAnAppendOnlyFile(t *testing.T) {
	t.Parallel()
	killRedis(t, "--appendonly", "yes", "--appendfsync", "everysec")
}

func TestRedisIsKilledWithoutAnAppendOnlyFile(t *testing.T) {
	t.Parallel()
	killRedis(t, "--appendonly", "no")
}

func killRedis(t *testing.T, args ...string) {
	t.Helper()
	tr := begin(t, ground{redis: redistest.Start(t, args...)})
	tr.calls(20)
	tr.fault(tr.redis.Kill, lasting(2*time.Second, 10*time.Second), tr.redis.Run)
	tr.account().nothingUnknown(t)
}

func TestWorkGoesOnWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	tr := begin(t, ground{})
	tr.calls(12)
	tr.redis.Kill()
	tr.calls(48) // far beyond what had been rung for
	tr.fault(func() {}, 0, tr.redis.Run)
	tr.account().nothingUnknown(t)
}

func TestRedisIsEmptiedMidRun(t *testing.T) {
	t.Parallel()
	tr := begin(t, ground{})
	c := tr.redis.Client()
	for _, n := range []int{12, 30, 48} {
		tr.calls(n)
		if err := c.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		tr.mended = time.Now()
	}
	tr.account().nothingUnknown(t)
}

func TestAnOldSnapshotOfRedisIsRestored(t *testing.T) {
	t.Parallel()
	tr := begin(t, ground{})
	tr.calls(8)
	tr.redis.Kill()
	old := tr.redis.Files()
	tr.redis.Run()
	tr.calls(36)
	tr.fault(tr.redis.Kill, 0, func() {
		tr.redis.Restore(old)
		tr.redis.Run()
	})
	tr.account().nothingUnknown(t)
}

func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	call := lasting(2*time.Second, 50*time.Second)
	tr := begin(t, ground{rows: 200, call: call})
	tr.calls(4)
	tr.fault(func() { tr.configure("maxmemory", "1mb") }, call/2, func() { tr.refusesLists() })
	tr.fault(func() {}, call, func() { tr.configure("maxmemory", "50mb") })
	if err := tr.offer(); err != nil {
		t.Errorf("a list after the fault: %v", err)
	}
	tr.account().nothingUnknown(t)
}

func (tr *trial) configure(name, value string) {
	tr.t.Helper()
	if err := tr.redis.Client().ConfigSet(tr.t.Context(), name, value).Err(); err != nil {
		tr.t.Fatal(err)
	}
}

// offer hands in another list, of one call, and returns the refusal.
func (tr *trial) offer() error {
	tr.t.Helper()
	_, err := tr.api.Submit(tr.t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\nDL01AA1000\n"))
	if err == nil {
		tr.others++
	}
	return err
}

// refusesLists demands that a list is refused for now, and that nothing of it
// is kept.
func (tr *trial) refusesLists() {
	tr.t.Helper()
	err := tr.offer()
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Status != http.StatusServiceUnavailable || p.RetryAfter == 0 {
		tr.t.Errorf("a list was answered with %v, want 503 and when to come again", err)
	}
	for b, err := range tr.api.Batches(tr.t.Context(), client.BatchesOptions{}) {
		if err != nil || b.ID != tr.id {
			tr.t.Errorf("a list is there that was refused: %s, %v", b.ID, err)
		}
	}
}

func TestRedisIsAReadOnlyReplica(t *testing.T) {
	t.Parallel()
	tr := begin(t, ground{})
	tr.calls(20)
	c := tr.redis.Client()
	replicaOf := func(of ...any) func() {
		return func() {
			if err := c.Do(t.Context(), append([]any{"REPLICAOF"}, of...)...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	tr.fault(replicaOf("127.0.0.1", "1"), lasting(4*time.Second, time.Minute), replicaOf("NO", "ONE"))
	tr.account().nothingUnknown(t)
}

func TestRedisIsFrozen(t *testing.T) {
	t.Parallel()
	tr := begin(t, ground{})
	tr.calls(20)
	tr.fault(func() {
		tr.redis.Freeze()
		if err := tr.offer(); err != nil {
			t.Errorf("a list that needs only the store: %v", err)
		}
	}, lasting(6*time.Second, 90*time.Second), tr.redis.Thaw)
	tr.account().nothingUnknown(t)
}

func TestStartUpRefusesARedisThatEvicts(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--appendonly", "no", "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
	for _, part := range []string{"serve", "worker", "scheduler"} {
		f := fleetOver(t, standIn(t, brisk()), redis, pgtest.Schema(t))
		err := f.start(part).Wait()
		e, ok := errors.AsType[*exec.ExitError](err)
		if !ok || e.ExitCode() != app.ExitUsage || !strings.Contains(f.log.String(), "set maxmemory-policy noeviction") {
			t.Errorf("%s: %v, want exit %d and what to do:\n%s", part, err, app.ExitUsage, f.log)
		}
	}
}

func TestStartUpWarnsOfARedisWithoutAnAppendOnlyFile(t *testing.T) {
	t.Parallel()
	f := fleetOver(t, standIn(t, brisk()), redistest.Start(t, "--appendonly", "no"), pgtest.Schema(t))
	f.serve()
	if got := strings.Count(f.log.String(), "append-only file"); got != 1 {
		t.Errorf("%d warnings, want one:\n%s", got, f.log)
	}
}
