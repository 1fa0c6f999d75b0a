package jobs_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

// listen returns what other processes say, once it would be heard. Redis counts
// who listens.
func listen(t *testing.T, c *redis.Client, before int64) <-chan string {
	t.Helper()
	heard := make(chan string, 10_000)
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	wg.Go(func() { jobs.NewWakes(c).Listen(ctx, func(provider string) { heard <- provider }) })
	t.Cleanup(func() { stop(); wg.Wait() })
	awaitListeners(t, c, before+1)
	return heard
}

// awaitListeners returns when so many listen.
func awaitListeners(t *testing.T, c *redis.Client, want int64) {
	t.Helper()
	for {
		all, err := c.PubSubNumSub(t.Context(), "asynq:plateq:wake").Result()
		if err == nil && all["asynq:plateq:wake"] >= want {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("nobody listens")
		}
	}
}

func carry(t *testing.T, c *redis.Client) *jobs.Wakes {
	t.Helper()
	w := jobs.NewWakes(c)
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	wg.Go(func() { w.Carry(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return w
}

// Everybody who listens hears of new work, and a burst of words about one
// provider is a few.
func TestWordOfNewWorkReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	one, other := listen(t, server.Client(), 0), listen(t, server.Client(), 1)
	w := carry(t, server.Client())
	const burst = 5000
	for range burst {
		w.Tell("attestr")
	}
	w.Tell("aopay")
	for _, heard := range []<-chan string{one, other} {
		n := map[string]int{}
		for n["aopay"] == 0 || n["attestr"] == 0 {
			select {
			case provider := <-heard:
				n[provider]++
			case <-t.Context().Done():
				t.Fatalf("heard %v", n)
			}
		}
		if n["attestr"] > burst/100 {
			t.Errorf("heard %d words of a burst of %d", n["attestr"], burst)
		}
	}
}

// A Redis that comes back is listened to as before.
func TestWordOfNewWorkOutlastsRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	heard := listen(t, server.Client(), 0)
	w := carry(t, server.Client())
	server.Kill()
	w.Tell("attestr") // to nobody
	server.Run()
	awaitListeners(t, server.Client(), 1)
	for {
		w.Tell("regnum")
		select {
		case provider := <-heard:
			if provider == "regnum" {
				return
			}
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("nothing is heard any more")
		}
	}
}

// A Redis that forbids it makes no noise, and holds nobody up.
func TestWordOfNewWorkMayBeForbidden(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	if err := server.Client().Do(t.Context(), "ACL", "SETUSER", "few", "on", ">few", "resetchannels", "~*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "few", Password: "few"})
	t.Cleanup(func() { _ = c.Close() })
	w := carry(t, c)
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	wg.Go(func() { w.Listen(ctx, func(string) { t.Error("something was heard") }) })
	w.Tell("attestr")
	for { // both have been refused
		log, err := server.Client().ACLLog(t.Context(), 10).Result()
		if err != nil {
			t.Fatal(err)
		}
		if len(log) >= 2 || len(log) == 1 && log[0].Count >= 2 {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("refused: %v", log)
		}
	}
	stop()
	wg.Wait()
}
