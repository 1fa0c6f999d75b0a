package jobs

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers"
)

// both runs a test on a real Redis and on the embedded one.
func both(t *testing.T, test func(t *testing.T, c redis.UniversalClient)) {
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, redistest.Start(t).Client())
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		e := OpenEmbedded()
		t.Cleanup(func() { _ = e.Close() })
		test(t, e)
	})
}

func newLimiter(c redis.UniversalClient, l Limits) *Limiter {
	return NewLimiter(LimiterOptions{Redis: c, Spec: providers.Spec{Name: "p"}, Worker: "w", Limits: l})
}

const second = int64(1_000_000) // in µs, as the scripts count

func TestTheBucketPromisesExactTimes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		l := newLimiter(c, Limits{Rate: 10, Burst: 3})
		reserve := func(now int64) []int64 {
			t.Helper()
			got, err := l.askBucket(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		const start = 1000 * second
		for i, want := range []int64{0, 0, 0, second / 10, 2 * second / 10, 3 * second / 10} {
			if got := reserve(start); got[0] != 1 || got[1] != want {
				t.Errorf("token %d: granted %d, wait %d µs, want 1, %d", i+1, got[0], got[1], want)
			}
		}
		if got := reserve(start + 10*second); got[1] != 0 {
			t.Errorf("after a pause: wait %d, want 0", got[1])
		}
		if err := l.empty(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := c.HGet(t.Context(), l.key+"bucket", "t").Float64(); got > 0 {
			t.Errorf("a drained bucket holds %v tokens", got)
		}
	})
}

func TestTheLearnedRateGrowsAndIsCutByARefusal(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		script := redis.NewScript(learnLua)
		run := func(op string, now, accepted int64) []int64 {
			t.Helper()
			got, err := script.Run(t.Context(), c, []string{"{p}:learn", "{p}:workers"},
				op, 1, 60*second, "w", accepted, 0, 0, now, 1, 8, 0.95, 0.6, 1, 0.05, 0, "p", 400_000).Int64Slice()
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		now := 1000 * second
		first := run("r", now, 0)
		if first[0] != 1 || first[5] != 1000 {
			t.Fatalf("begins with %v, want a token at one a second", first)
		}
		var grown int64
		for range 200 {
			got := run("r", now, 1)
			now += max(got[1], 10_000)
			grown = got[5]
		}
		if grown < 8000 {
			t.Errorf("grew to %d thousandths a second, want 8/s at least", grown)
		}
		if cut := run("e", now, 0); cut[5] >= grown {
			t.Errorf("after a refusal the rate is %d, it was %d", cut[5], grown)
		}
	})
}

func TestSlotsBoundCallsInFlight(t *testing.T) {
	t.Parallel()
	l := newLimiter(nil, Limits{Rate: Unlimited, Concurrency: 2})
	var held []*Permit
	for range 2 {
		permit, err := l.Acquire(t.Context(), Submits)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, permit)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Acquire(ctx, Submits); err == nil {
		t.Fatal("a third call got a slot of two")
	}
	held[0].Release()
	held[0].Release() // once is enough, twice must not give two slots back
	if _, err := l.Acquire(t.Context(), Submits); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Acquire(ctx, Submits); err == nil {
		t.Fatal("releasing twice gave two slots back")
	}
}

func TestTheLimiterGoesOnWithoutRedis(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := srv.Client()
	l := newLimiter(c, Limits{Rate: 1000, Burst: 1, Concurrency: 1})
	if err := l.token(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv.Kill()
	granted, wait := l.ask(t.Context())
	if !granted || wait <= 0 {
		t.Errorf("granted %t, wait %v; want a token that begins in debt", granted, wait)
	}
	srv.Run()
	if granted, _ := l.ask(t.Context()); !granted || l.away {
		t.Errorf("granted %t, away %t; want the shared pace again", granted, l.away)
	}
}
