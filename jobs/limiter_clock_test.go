package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// The clock of Redis may be set, or another Redis have taken over whose clock is
// behind: nothing stands still for that, and nothing rushes.

const (
	second = int64(1_000_000)
	hour   = 3600 * second
)

// lotAt is a question for a lot at 10/s, told or learnt.
func lotAt(now int64, turn string, burst int, learn bool) question {
	q := lotOf("w", now, turn, Limits{Rate: 10, Burst: burst, Concurrency: 64})
	for i := range q.Scopes {
		if learn {
			q.Scopes[i].Learn, q.Scopes[i].learnt = true, learnt{Rate: 10, Limit: 10, Phase: 2}
		}
	}
	return q
}

// TestTimesThatWerePromisedOutliveAClockThatIsSetBack: the next request goes
// after those that were promised before, at the same pace.
func TestTimesThatWerePromisedOutliveAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]bool{"told": false, "learnt": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, c redis.UniversalClient) {
				s := newScripts(c, acme)
				ask := func(now int64) time.Duration {
					return reserved(t, s, lotAt(now, "s", 2, learn)).scopes[0].due(0)
				}
				now := begin
				first := ask(now)
				for i, back := range []int64{0, 1, hour, 24 * 365 * hour} {
					now -= back
					want := first + time.Duration(i+1)*100*time.Millisecond
					if due := ask(now); due < want-5*time.Millisecond || due > want+5*time.Millisecond { // the curve bends the pace a little
						t.Errorf("set back by %v: the next is due after %v, want %v", micro(back), due, want)
					}
				}
				if due := ask(now + 10*second); due != 0 {
					t.Errorf("ten seconds later: due after %v, want at once", due)
				}
			})
		})
	}
}

// TestPausesOutliveAClockThatIsSetBack, and last no longer for it.
func TestPausesOutliveAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]bool{"told": false, "learnt": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, c redis.UniversalClient) {
				s := newScripts(c, acme)
				first := lotAt(begin, "s", 50, learn)
				reserved(t, s, first)
				scope := first.Scopes[0]
				scope.Unused = 0
				if err := s.refuse(t.Context(), account, refusal{Now: begin, Scope: scope, Retry: 20 * second}); err != nil {
					t.Fatal(err)
				}
				due := reserved(t, s, lotAt(begin-hour, "s", 50, learn)).scopes[0].due(0)
				if due < 19900*time.Millisecond || due > 20100*time.Millisecond {
					t.Errorf("the pause that the provider asked for lasts %v, want 20 s", due)
				}
			})
		})
	}
}

// TestTheCalmAfterAGateOutlivesAClockThatIsSetBack: for its ten seconds, and no
// longer.
func TestTheCalmAfterAGateOutlivesAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		l := Limits{Rate: 10, Burst: 5, Concurrency: 64} // of which four are ours
		q := lotOf("w", begin, "s", l)
		q.Drain = true
		reserved(t, s, q)
		for _, step := range []struct {
			after int64
			want  int
		}{{0, 0}, {9 * second, 1}, {11 * second, 4}} {
			if r := reserved(t, s, lotOf("w", begin-hour+step.after, "ssss", l)); r.scopes[0].free != step.want {
				t.Errorf("%v after the clock was set back: %d at once, want %d", micro(step.after), r.scopes[0].free, step.want)
			}
		}
	})
}

// TestSlotsOutliveAClockThatIsSetBack: those of who lives are nobody else's, and
// those of who died are free when they would have been, or a minute later.
func TestSlotsOutliveAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		ask := func(worker string, now int64, busy int) reply {
			q := lotOf(worker, now, "", Limits{Rate: Unlimited, Concurrency: 4})
			q.Scopes, q.places = []scopeQuestion{}, nil
			q.Slots.Busy, q.Slots.Wants = busy, 4
			return reserved(t, s, q)
		}
		if r := ask("dead", begin, 0); r.slots != 4 {
			t.Fatalf("%d slots for the first, want all", r.slots)
		}
		now := begin - 24*hour
		if r := ask("other", now, 0); r.slots != 0 {
			t.Errorf("%d slots right after the clock was set back, want none: another one has them", r.slots)
		}
		lease := time.Minute.Microseconds()
		if r := ask("other", now+lease+maxDebt.Microseconds()+2*second, 0); r.slots != 4 || r.live != 1 {
			t.Errorf("%d slots for one of %d when the lease is over, want all for the only one", r.slots, r.live)
		}
	})
}

// TestASlotIsTakenInTurnAfterAClockWasSetBack: where there are fewer slots than
// workers, who has one gives it away after its time.
func TestASlotIsTakenInTurnAfterAClockWasSetBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		had := map[string]int{}
		held := map[string]bool{}
		now := begin
		for i := range 200 {
			if i == 100 {
				now -= 24 * hour
				clear(had)
			}
			for _, worker := range []string{"a", "b"} {
				q := lotOf(worker, now, "", Limits{Rate: Unlimited, Concurrency: 1})
				q.Scopes, q.places = []scopeQuestion{}, nil
				q.Slots.Wants = 1
				if held[worker] = reserved(t, s, q).slots > 0; held[worker] {
					had[worker]++
				}
			}
			if held["a"] && held["b"] {
				t.Fatal("both have the only slot")
			}
			now += second / 10
		}
		if had["a"] < 25 || had["b"] < 25 {
			t.Errorf("they had the slot %v of 100 times", had)
		}
	})
}

func TestWhoIsThereOutlivesAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		present := func(worker string, now int64) int {
			q := lotOf(worker, now, "s", Limits{Rate: 10, Burst: 1, Concurrency: 4})
			q.Alive = attendFor.Microseconds()
			return reserved(t, s, q).present
		}
		present("a", begin)
		if n := present("b", begin-hour); n != 2 {
			t.Errorf("%d are there right after the clock was set back, want 2", n)
		}
		if n := present("b", begin-hour+11*second); n != 1 {
			t.Errorf("%d are there when one was not seen for long, want 1", n)
		}
	})
}

// clocked sets the clock of Redis off by so much, for those who ask from now on.
func (w *world) clocked(off time.Duration) {
	w.off.Store(int64(off))
}

// TestTheDayIsCountedOnWhenTheClockIsSetBack: over the end of a day, by more than
// a day, and for who starts only then.
func TestTheDayIsCountedOnWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]time.Duration{"by minutes": 5 * time.Minute, "by days": 60 * time.Hour, "by years": 3 * 365 * 24 * time.Hour} {
		for _, starts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, another one starts: %t", name, starts), func(t *testing.T) {
				t.Parallel()
				inWorld(t, fifty, func(t *testing.T, w *world) { dayGoesOn(t, w, back, starts) })
			})
		}
	}
}

func dayGoesOn(t *testing.T, w *world, back time.Duration, starts bool) {
	l := aDay(100) // of an hour
	ps := w.join(3, l)
	use := func(p *process, n int) {
		for range n {
			permit := acquire(t, p, Submits)
			permit.Use()
			permit.Release()
		}
	}
	use(ps[0], 50)
	time.Sleep(62 * time.Minute) // the next day
	use(ps[0], 20)
	use(ps[1], 10)
	w.clocked(-back)
	if starts {
		use(ps[2], 30)
	}
	use(ps[0], 20)
	want := 50
	if starts {
		want = 20
	}
	n, used := spend(t, ps[1])
	if n != want {
		t.Errorf("%d requests are left of 100, want %d", n, want)
	}
	until := used.Until.Sub(time.Now().Add(-back))
	if until < 0 || until > 2*time.Hour {
		t.Errorf("new ones come in %v, want the end of this day or the next", until)
	}
	pace, err := ReadPace(t.Context(), w.redis, acme, l)
	if err != nil || pace.Used != 100 {
		t.Errorf("read %+v, %v; want 100 used", pace, err)
	}
	time.Sleep(until + time.Second)
	if n, _ := spend(t, ps[0]); n != 100 {
		t.Errorf("%d requests on the day after that, want 100", n)
	}
}

// TestAClockThatIsSetStopsNothingAndRushesNothing lets fleets work while the clock
// of Redis is set back and forth at random: over any time the provider is asked
// what its rate and one burst allow and, where the clock is set forward, one burst
// more and what was promised before.
func TestAClockThatIsSetStopsNothingAndRushesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		limits Limits
		jump   func(r *rand.Rand) time.Duration
		used   float64 // at least
		most   float64 // refused
		seeds  uint64
	}{
		{"told, set back", Limits{Rate: 50, Burst: 50, Concurrency: 64}, back, 0.93, 0, 2},
		{"told, back and forth", Limits{Rate: 50, Burst: 50, Concurrency: 64}, backAndForth, 0.93, 0.05, 2},
		{"learnt, set back", learning(), back, 0.75, 0.03, 1},
		{"learnt, back and forth", learning(), backAndForth, 0.75, 0.03, 1},
	} {
		for seed := range c.seeds {
			t.Run(fmt.Sprintf("%s, %d", c.name, seed), func(t *testing.T) {
				t.Parallel()
				inWorld(t, fifty, func(t *testing.T, w *world) {
					w.clocked(time.Hour)
					w.work(w.join(3, c.limits), 20, lan)
					time.Sleep(60 * time.Second)
					r := rand.New(rand.NewPCG(seed, 7))
					off := time.Hour
					for range 12 {
						off += c.jump(r)
						w.clocked(off)
						time.Sleep(time.Duration(5+r.IntN(10)) * time.Second)
					}
					time.Sleep(10 * time.Second)
					synctest.Wait()
					to := int(time.Since(w.up.began) / time.Second)
					used, refused, n := w.up.between(60, to, 50)
					t.Logf("used %.3f, refused %.4f of %d", used, refused, n)
					if used < c.used || refused > c.most {
						t.Errorf("used %.3f of the limit, refused %.4f of %d; want %.2f at least, %.2f at most", used, refused, n, c.used, c.most)
					}
				})
			})
		}
	}
}

func back(r *rand.Rand) time.Duration {
	return -[]time.Duration{50 * time.Millisecond, time.Second, 5 * time.Minute, 24 * time.Hour}[r.IntN(4)]
}

func backAndForth(r *rand.Rand) time.Duration {
	return back(r) * time.Duration(1-2*r.IntN(2))
}

// TestAPaceFileFromTheFutureStopsNothing: one start under a clock that was years
// ahead is made good by the next one.
func TestAPaceFileFromTheFutureStopsNothing(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]Limits{"told": {Rate: 50, Burst: 50, Concurrency: 4}, "learnt": {Concurrency: 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "pace.json")
			l.Daily, l.NextReset = 1000, aDay(0).NextReset
			for i, off := range []time.Duration{5 * 365 * 24 * time.Hour, 0} {
				synctest.Test(t, func(t *testing.T) {
					w := &world{t: t, redis: OpenEmbedded(), up: fifty()}
					w.clocked(off)
					if err := w.redis.Remember(path); err != nil {
						t.Fatal(err)
					}
					p := w.join(1, l)[0]
					began := time.Now()
					for n := range 20 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						permit, err := p.Acquire(ctx, Submits)
						cancel()
						if err != nil {
							t.Fatalf("request %d, start %d: %v", n+1, i+1, err)
						}
						permit.Use()
						permit.Release()
					}
					if took := time.Since(began); took > 10*time.Second {
						t.Errorf("start %d: 20 requests took %v", i+1, took)
					}
					p.end(w)
					if pace, err := ReadPace(t.Context(), w.redis, acme, l); err != nil || i == 1 && (pace.Used != 40 || time.Until(pace.Until) > 2*time.Hour) {
						t.Errorf("start %d: read %+v, %v; want the requests of both counted", i+1, pace, err)
					}
					if err := w.redis.Close(); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}
