package jobs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// told are the limits of most of these tests, and of the provider.
func told() Limits { return Limits{Rate: 50, Burst: 50, Concurrency: 64} }

func fifty() *upstream { return newUpstream(50, 50) }

func TestTheFleetUsesARateThatIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		processes int
		over      wire
		calls     float64 // of Redis a request, at most: a tenth more than were ever seen
	}{
		{"one", 1, lan, 0.12},
		{"one, far away", 1, bad, 0.22},
		{"four", 4, lan, 0.12},
		{"four, some way off", 4, wan, 0.12},
		{"four, far away", 4, bad, 0.15},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, fifty, func(t *testing.T, w *world) {
				w.work(w.join(c.processes, told()), 20, c.over)
				time.Sleep(time.Minute)
				used, refused, n := w.up.between(0, 60, 50)
				if used < 0.98 || refused > 0 {
					t.Errorf("used %.3f of the limit, refused %.4f; want 0.98 and nothing", used, refused)
				}
				if calls := float64(w.calls.Load()) / float64(n); calls > c.calls {
					t.Errorf("%.3f calls of Redis a request, want %.2f at most", calls, c.calls)
				}
				least, most := w.fleet[0].made.Load(), w.fleet[0].made.Load()
				for _, p := range w.fleet {
					least, most = min(least, p.made.Load()), max(most, p.made.Load())
				}
				if most-least > most/10 {
					t.Errorf("one process made %d requests, another %d", least, most)
				}
			})
		})
	}
}

func TestTheFleetGoesOnWithoutRedis(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault func(w *world)
		used  float64 // of the limit over the fault's seconds
		lasts int
	}{
		{"frozen", func(w *world) { w.freeze(5 * time.Second) }, 0.7, 5},
		{"emptied", (*world).flush, 0, 1},
		{"restarted empty", func(w *world) { w.leave(800 * time.Millisecond); w.flush() }, 0, 1},
		{"away", func(w *world) { w.leave(30 * time.Second) }, 0.9, 30},
		{"away and back empty", func(w *world) { w.gone.Store(true); w.flush(); w.leave(30 * time.Second) }, 0.9, 30},
	} {
		for _, processes := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, %d", c.name, processes), func(t *testing.T) {
				t.Parallel()
				inWorld(t, fifty, func(t *testing.T, w *world) {
					w.work(w.join(processes, told()), 20, wan)
					time.Sleep(10 * time.Second)
					c.fault(w)
					time.Sleep(20 * time.Second)
					end := 10 + c.lasts
					if _, refused, _ := w.up.between(0, end+20, 50); refused > 0 {
						t.Errorf("refused %.4f of all requests, want none", refused)
					}
					if used, _, _ := w.up.between(10, end, 50); used < c.used {
						t.Errorf("used %.3f of the limit meanwhile, want %.2f", used, c.used)
					}
					if used, _, _ := w.up.between(end+5, end+15, 50); used < 0.98 {
						t.Errorf("used %.3f of the limit afterwards, want 0.98", used)
					}
				})
			})
		}
	}
}

func TestThoseWhoHadNothingToAskTakeNoMoreThanTheirPart(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		ps := w.join(4, told())
		w.work(ps[:1], 20, wan)
		for range 10 {
			for _, p := range ps {
				if err := p.Attend(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(attendEvery)
		}
		w.gone.Store(true)
		w.work(ps[1:], 20, wan) // there is work for all, and they find it by themselves
		time.Sleep(30 * time.Second)
		w.gone.Store(false)
		time.Sleep(10 * time.Second)
		used, _, _ := w.up.between(30, 60, 50)
		if _, refused, _ := w.up.between(0, 70, 50); refused > 0 || used < 0.9 {
			t.Errorf("used %.3f of the limit, refused %.4f, want 0.9 and none", used, refused)
		}
	})
}

func TestTokensAreNoGoodLongAfterTheirTime(t *testing.T) {
	t.Parallel()
	l := NewLimiter(LimiterOptions{Limits: told()})
	now := time.Now()
	l.queues[Submits].tokens = []time.Time{now.Add(-5 * time.Second), now.Add(-late - 1), now.Add(-late), now.Add(late)}
	l.dropLate(now)
	if n := l.atHand(); n != 2 {
		t.Errorf("%d tokens are still good, want 2", n)
	}
	if l.unused[account] != 2 || l.unused[submits] != 2 || l.unused[polls] != 0 || l.day.spent != -2 {
		t.Errorf("let go: %v, of the day %d", l.unused, l.day.spent)
	}
}

func acquire(t *testing.T, p *process, k Kind) *Permit {
	t.Helper()
	permit, err := p.Acquire(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return permit
}

func TestCallsInFlightAreCountedOverTheFleet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		rate        float64
		processes   int
		concurrency int
		latency     time.Duration
		want        float64 // requests a second
	}{
		{"one", 50, 1, 4, 100 * time.Millisecond, 38},
		{"four", 50, 4, 4, 100 * time.Millisecond, 37},
		{"fewer slots than processes", 50, 4, 2, 100 * time.Millisecond, 16},
		{"one slot", 50, 4, 1, 20 * time.Millisecond, 30},
		{"slots are plenty", 50, 4, 64, 100 * time.Millisecond, 48},
		{"no rate", Unlimited, 3, 64, 100 * time.Millisecond, 500},
		{"no rate, fewer slots than processes", Unlimited, 4, 2, 100 * time.Millisecond, 15},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func() *upstream { return newUpstream(1e6, 1e6) }, func(t *testing.T, w *world) {
				w.up.latency = c.latency
				w.work(w.join(c.processes, Limits{Rate: c.rate, Burst: 50, Concurrency: c.concurrency}), 64, lan)
				time.Sleep(time.Minute)
				for _, p := range w.fleet {
					p.rest()
				}
				if w.up.most > c.concurrency {
					t.Errorf("%d calls in flight, want %d at most", w.up.most, c.concurrency)
				}
				if _, _, n := w.up.between(0, 60, 1); float64(n) < 60*c.want {
					t.Errorf("%.1f requests a second, want %.0f", float64(n)/60, c.want)
				}
				for i, p := range w.fleet {
					if n := float64(p.made.Load()); n < 60*c.want/float64(c.processes)/2 {
						t.Errorf("process %d made %.0f requests, less than half its share", i, n)
					}
				}
			})
		})
	}
}

// The first of many who come at once asks for one slot; the others must not wait
// for a pause that is meant for those who were refused.
func TestWhoComesRightAfterTheFirstGetsASlotAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		p := w.join(1, Limits{Rate: Unlimited, Concurrency: 64})[0]
		permits := []*Permit{acquire(t, p, Submits)}
		for len(permits) < 64 {
			permits = append(permits, acquire(t, p, Submits))
		}
		if waited := time.Since(w.up.began); waited >= slotAgain {
			t.Errorf("64 slots of 64 took %v, want them at once", waited)
		}
		for _, permit := range permits {
			permit.Release()
		}
	})
}

func TestSlotsOfAProcessThatDiedComeBack(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{50, Unlimited} {
		t.Run(fmt.Sprint("rate ", rate), func(t *testing.T) {
			t.Parallel()
			inWorld(t, fifty, func(t *testing.T, w *world) {
				l := Limits{Rate: rate, Burst: 50, Concurrency: 2, Timeout: 20 * time.Second}
				ps := w.join(2, l)
				acquire(t, ps[0], Submits).Use()
				acquire(t, ps[0], Submits).Use()
				synctest.Wait()
				ps[0].die()
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				defer cancel()
				if _, err := ps[1].Acquire(ctx, Submits); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("while the dead one's calls may be in flight: %v, want to wait", err)
				}
				acquire(t, ps[1], Submits).Release() // in a bubble: for ever, or after the lease
				if held := time.Since(w.up.began); held > l.Timeout+leaseMargin+2*time.Second {
					t.Errorf("the slots came back after %v, want timeout and margin", held)
				}
			})
		})
	}
}

func TestAPermitThatIsNotUsedGoesToTheNext(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		p := w.join(1, Limits{Rate: 0.1, Burst: 1, Concurrency: 4})[0]
		first := acquire(t, p, Submits)
		got := make(chan *Permit)
		go func() { got <- acquire(t, p, Submits) }()
		synctest.Wait()
		first.Release()
		first.Release()
		second := <-got
		second.Use()
		second.Release()
		if waited := time.Since(w.up.began); waited > late {
			t.Errorf("it took %v, the token was there at once", waited)
		}
	})
}

func TestWhoGivesUpWaitingTakesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		p := w.join(1, Limits{Rate: 1, Burst: 1, Concurrency: 1})[0]
		held := acquire(t, p, Submits)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx, Submits); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's end", err)
		}
		held.Use()
		held.Release()
		acquire(t, p, Polls).Release()
		if _, err := p.Acquire(ctx, Submits); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("under a context that has ended: got %v", err)
		}
	})
}

func TestSubmitsAndPollsTakeTurns(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		p := w.join(1, Limits{Rate: 10, Burst: 1, Concurrency: 64})[0]
		var made [kinds]int
		ctx, cancel := context.WithCancel(t.Context())
		for k, many := range map[Kind]int{Submits: 60, Polls: 10} {
			for range many {
				p.ended.Go(func() {
					for {
						permit, err := p.Acquire(ctx, k)
						if err != nil {
							return
						}
						permit.Use()
						p.mu.Lock()
						made[k]++
						p.mu.Unlock()
						permit.Release()
					}
				})
			}
		}
		time.Sleep(time.Minute)
		cancel()
		p.ended.Wait()
		if s, q := made[Submits], made[Polls]; s+q < 570 || s > q*6/5 || q > s*6/5 {
			t.Errorf("%d submits and %d polls, want about 290 each", s, q)
		}
	})
}

func TestRetryAfterWins(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{50, 0} {
		t.Run(fmt.Sprint("rate ", rate), func(t *testing.T) {
			t.Parallel()
			inWorld(t, fifty, func(t *testing.T, w *world) {
				ps := w.join(2, Limits{Rate: rate, Burst: 50, Concurrency: 64})
				permit := acquire(t, ps[0], Submits)
				permit.Use()
				permit.Exceeded("p/submit", 20*time.Second)
				permit.Release()
				synctest.Wait()
				acquire(t, ps[1], Polls).Release()
				if since := time.Since(w.up.began); since > 10*time.Second {
					t.Errorf("the other endpoint waited %v", since)
				}
				for _, p := range ps {
					acquire(t, p, Submits).Release()
					if since := time.Since(w.up.began); since < 20*time.Second {
						t.Errorf("a submit went out after %v, the provider asked for 20 s", since)
					}
				}
			})
		})
	}
}

func TestWhoOpensAGateLetsNobodyRush(t *testing.T) {
	t.Parallel()
	empty := func(ctx context.Context, p *process) { p.Empty(ctx) }
	for name, c := range map[string]struct {
		do   func(context.Context, *process)
		seen time.Duration
	}{
		"at once":               {empty, 0},
		"after a while":         {empty, 3 * time.Second},
		"when its time is over": {func(ctx context.Context, p *process) { p.Shut(ctx, "p/submit", time.Hour) }, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, fifty, func(t *testing.T, w *world) { w.open(t, c.do, c.seen) })
		})
	}
}

// open has a fleet begin to send so long after something was done about a gate.
func (w *world) open(t *testing.T, do func(context.Context, *process), since time.Duration) {
	ps := w.join(4, told())
	w.work(ps, 20, lan)
	time.Sleep(5 * time.Second)
	for _, p := range ps {
		p.rest()
	}
	time.Sleep(time.Minute) // the burst is whole again
	do(t.Context(), ps[0])
	time.Sleep(since)
	w.work(ps, 20, lan)
	const tenth = 100 * time.Millisecond
	begun := w.made()
	before := begun
	for range 20 {
		time.Sleep(tenth)
		now := w.made()
		if n := now - before; n > 12 {
			t.Errorf("%d requests within %v, a quarter of a second's worth is 12", n, tenth)
		}
		before = now
	}
	if n := before - begun; n < 90 {
		t.Errorf("%d requests in two seconds, want about 100", n)
	}
}

// made is how many requests the fleet has made.
func (w *world) made() int64 {
	var n int64
	for _, p := range w.fleet {
		n += p.made.Load()
	}
	return n
}
