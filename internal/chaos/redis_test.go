//go:build chaos

package chaos_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/redistest"
)

func redisKilled(args ...string) func(*trial) {
	return func(t *trial) {
		w := t.begin(ground{redis: args})
		w.part(0.3)
		w.fault(w.redis.Kill, lasting(5*time.Second, 10*time.Second), w.redis.Run)
		w.account()
		w.nothingUnknown()
	}
}

func redisEmptied(t *trial) {
	w := t.begin(ground{})
	c := w.redis.Client()
	for _, share := range []float64{0.2, 0.5, 0.8} {
		w.part(share)
		if err := c.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		w.mended = time.Now()
	}
	w.account()
	w.nothingUnknown()
}

func oldSnapshot(t *trial) {
	w := t.begin(ground{})
	w.part(0.1)
	w.redis.Kill()
	old := w.redis.Files()
	w.redis.Run()
	w.part(0.6)
	w.fault(w.redis.Kill, 0, func() {
		w.redis.Restore(old)
		w.redis.Run()
	})
	w.account()
	w.nothingUnknown()
}

// redisFull fills it under calls that take longer than what is left of a
// task's lease then.
func redisFull(t *trial) {
	call := lasting(8*time.Second, 50*time.Second)
	w := t.begin(ground{rows: 400, batch: 10, least: call, most: call})
	w.calls(atOnce)
	w.fault(func() { w.configure("maxmemory", "1mb") }, lasting(10*time.Second, 75*time.Second), func() {
		w.refused("while Redis is full")
		w.configure("maxmemory", "50mb")
	})
	if err := w.offer(); err != nil {
		t.Errorf("a list after the fault: %v", err)
	}
	w.account()
	w.nothingUnknown()
}

func (w *world) configure(name, value string) {
	w.Helper()
	if err := w.redis.Client().ConfigSet(w.Context(), name, value).Err(); err != nil {
		w.Fatal(err)
	}
}

// offer hands in another list, about what the first one asks: it costs nothing.
func (w *world) offer() error {
	w.Helper()
	_, err := w.api.Submit(w.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\n"+w.list[0]+"\n"))
	return err
}

// refused demands that a list is, with a word on when to come again, and that
// nothing of it is kept.
func (w *world) refused(when string) {
	w.Helper()
	err := w.offer()
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Status != http.StatusServiceUnavailable || p.RetryAfter == 0 {
		w.Errorf("%s a list was answered with %v, want 503 and when to come again", when, err)
	}
	for b, err := range w.api.Batches(w.Context(), client.BatchesOptions{}) {
		if err == nil && b.ID != w.id {
			w.Errorf("%s a list is there that was refused", when)
		}
	}
}

func redisEvicts(t *trial) {
	t.plain()
	w := t.build(ground{rows: 1})
	w.configure("maxmemory", "50mb")
	w.configure("maxmemory-policy", "allkeys-lru")
	for _, part := range []string{"serve", "worker", "scheduler"} {
		p := w.spawn(part, "PLATEQ_LISTEN=127.0.0.1:0")
		if code := p.exit(time.Minute); code != 2 || !strings.Contains(p.said(), "set maxmemory-policy noeviction") {
			t.Errorf("%s ended with %d: %s", part, code, p.said())
		}
	}
	t.more("exit code 2")
}

func redisKilledOften(t *trial) {
	w := t.begin(ground{redis: []string{"--appendonly", "yes", "--appendfsync", "always"}})
	for i := range lasting(5, 50) {
		w.part(0.1 * float64(min(i+1, 8)))
		w.redis.Kill()
		w.redis.Run()
	}
	w.mended = time.Now()
	w.account()
	w.nothingUnknown()
}

func redisFrozen(t *trial) {
	w := t.begin(ground{})
	before := w.goroutines()
	w.part(0.2)
	var slow []time.Duration
	w.fault(w.redis.Freeze, 0, func() {
		for end := time.Now().Add(lasting(15*time.Second, 90*time.Second)); time.Now().Before(end); {
			asked := time.Now()
			if _, err := w.api.Batch(t.Context(), w.id); err != nil {
				t.Errorf("the API: %v", err)
			}
			slow = append(slow, time.Since(asked))
			<-time.After(50 * time.Millisecond)
		}
		if n := w.goroutines(); n > before+200 {
			t.Errorf("%d goroutines, %d before", n, before)
		}
		w.redis.Thaw()
	})
	slices.Sort(slow)
	p99 := slow[len(slow)*99/100]
	t.more("the API answers in %d ms (p99)", p99.Milliseconds())
	if p99 > 2*time.Second {
		t.Errorf("the API takes %s", p99)
	}
	w.account()
	w.nothingUnknown()
}

// goroutines is how many the server of the API has.
func (w *world) goroutines() int {
	w.Helper()
	n := 0
	await(w, "the server tells how many goroutines it has", func() bool {
		n = w.serve.goroutines()
		return n > 0
	})
	return n
}

func redisReadOnly(t *trial) {
	other := redistest.Start(t)
	w := t.begin(ground{})
	host, port, _ := strings.Cut(other.Addr(), ":")
	c := w.redis.Client()
	w.part(0.3)
	replicaOf := func(of ...any) func() {
		return func() {
			if err := c.Do(t.Context(), append([]any{"REPLICAOF"}, of...)...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.fault(replicaOf(host, port), lasting(6*time.Second, time.Minute), replicaOf("NO", "ONE"))
	w.account()
	w.nothingUnknown()
	w.allAlive()
}

func redisLocked(t *trial) {
	w := t.begin(ground{})
	c := w.redis.Client()
	w.part(0.3)
	w.fault(func() {
		if err := c.ConfigSet(t.Context(), "requirepass", "changed").Err(); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
			t.Fatal(err)
		}
	}, lasting(6*time.Second, time.Minute), func() {
		if err := c.ConfigSet(t.Context(), "requirepass", "").Err(); err != nil {
			t.Fatal(err)
		}
	})
	w.account()
	w.nothingUnknown()
	w.allAlive()
	if !strings.Contains(w.workers[0].said(), "NOAUTH") {
		t.Error("the worker does not say that Redis wants a password")
	}
	t.more("0 restarts")
}

// allAlive demands that every process is.
func (w *world) allAlive() {
	w.Helper()
	for _, p := range w.started {
		if p.ended() {
			w.Errorf("%s has ended: %s", p.name, p.said())
		}
	}
}
