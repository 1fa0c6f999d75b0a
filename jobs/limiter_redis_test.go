package jobs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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

var acme = providers.Spec{Name: "p", Endpoints: providers.Endpoints{Submit: "submit", Poll: "items"}}

// begin is when the tests of scripts begin, in µs.
const begin = int64(1_000_000_000_000_000)

// lotOf is a question for a lot of a rate that is told.
func lotOf(worker string, now int64, turn string, l Limits) question {
	rate, burst := l.own()
	return question{
		Now: now, Turn: turn, Debt: maxDebt.Microseconds(), Again: slotAgain.Microseconds(),
		Slots:  slotQuestion{Worker: worker, Max: l.Concurrency, Wants: min(l.Concurrency, len(turn)), Turn: lotSize, Lease: time.Minute.Microseconds(), Live: 1},
		Scopes: []scopeQuestion{{learnt: learnt{Rate: rate}, Burst: burst, Fresh: 1}, {Of: "s", learnt: learnt{Rate: rate}, Burst: burst, Fresh: 1}},
		places: []int{account, submits},
	}
}

func reserved(t *testing.T, s *scripts, q question) reply {
	t.Helper()
	r, err := s.ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestALotHasExactTimes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		l := Limits{Rate: 10, Burst: 5, Concurrency: 64} // of which four are ours
		const ms = time.Millisecond
		for _, step := range []struct {
			now  time.Duration
			want []time.Duration
		}{
			{0, []time.Duration{0, 100 * ms, 200 * ms}}, // one token is there from the start
			{0, []time.Duration{300 * ms, 400 * ms, 500 * ms}},
			{time.Minute, []time.Duration{0, 0, 0}},
			{time.Minute, []time.Duration{0, 100 * ms, 200 * ms}},
			{time.Minute + 350*ms, []time.Duration{0, 50 * ms, 150 * ms}},
		} {
			r := reserved(t, s, lotOf("w", begin+step.now.Microseconds(), "sss", l))
			var got []time.Duration
			for i := range r.granted[Submits] {
				got = append(got, max(r.scopes[0].due(i), r.scopes[1].due(i)))
			}
			if !slices.Equal(got, step.want) {
				t.Errorf("at %v: due after %v, want %v", step.now, got, step.want)
			}
		}
	})
}

// TestWhatIsLetGoIsThereAgain: tokens that were promised and never used are
// no loss of the rate, and no more than the burst.
func TestWhatIsLetGoIsThereAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		l := Limits{Rate: 10, Burst: 5, Concurrency: 64} // of which four are ours
		reserved(t, s, lotOf("w", begin, "ssssssssss", l))
		q := lotOf("w", begin, "s", l)
		for i := range q.Scopes {
			q.Scopes[i].Unused = 9 // all but the one that was there
		}
		if due := reserved(t, s, q).scopes[0].due(0); due != 100*time.Millisecond {
			t.Errorf("the next is due after %v, want 100 ms, as if nothing had been let go", due)
		}
		q = lotOf("w", begin+time.Minute.Microseconds(), "ssssss", l)
		for i := range q.Scopes {
			q.Scopes[i].Unused = 100
		}
		if r := reserved(t, s, q); r.scopes[0].free != 4 {
			t.Errorf("%d at once after a pause, want the burst: 4", r.scopes[0].free)
		}
	})
}

// TestTimeThatIsLetGoIsThereAgain: the same where the rate is learnt.
func TestTimeThatIsLetGoIsThereAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		ask := func(turn string, unused int) scopeReply {
			q := lotOf("w", begin, turn, Limits{Rate: 10, Burst: 1, Concurrency: 64})
			for i := range q.Scopes {
				q.Scopes[i].Learn, q.Scopes[i].learnt = true, learnt{Rate: 10, Limit: 10, Phase: 2}
				q.Scopes[i].Unused = unused
			}
			return reserved(t, s, q).scopes[0]
		}
		first := ask("ssss", 0)
		if due := ask("s", 3).due(0); due != first.due(1) {
			t.Errorf("the next is due after %v, want %v: three of four were let go", due, first.due(1))
		}
		if due := ask("s", 100).due(0); due != 0 {
			t.Errorf("the next is due after %v, want at once", due)
		}
		if due := ask("ss", 0).due(1); due != 100*time.Millisecond {
			t.Errorf("the one after the next is due after %v, want 100 ms: no more than one is saved up", due)
		}
	})
}

func TestALotIsAFairPart(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		l := Limits{Rate: 16, Burst: 50, Concurrency: 64}
		for i := range 4 {
			reserved(t, s, lotOf(fmt.Sprint("w", i), begin, "s", l))
		}
		if r := reserved(t, s, lotOf("w0", begin, "ssssssssss", l)); r.live != 4 || r.granted[Submits] != 4 {
			t.Errorf("a lot of %d among %d, want a second's worth by four: 4", r.granted[Submits], r.live)
		}
		if r := reserved(t, s, lotOf("w0", begin+int64(20*time.Second/time.Microsecond), "ssssssssss", l)); r.live != 1 || r.granted[Submits] != 10 {
			t.Errorf("a lot of %d among %d, want all of it once the others are silent", r.granted[Submits], r.live)
		}
	})
}

func TestAQuestionThatComesTooLateReservesNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		q := lotOf("w", begin, "s", Limits{Rate: 10, Burst: 5, Concurrency: 1})
		q.Deadline = begin - 1
		if r := reserved(t, s, q); r.status != tooLate || r.now != begin {
			t.Errorf("got %+v", r)
		}
		if n := c.Exists(t.Context(), s.fleet, s.scopes[account], s.day).Val(); n != 0 {
			t.Errorf("it left %d keys", n)
		}
	})
}

func TestARefusalTakesTheMarginBack(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		l := Limits{Rate: 10, Burst: 50, Concurrency: 64}
		reserved(t, s, lotOf("w", begin, "s", l))
		later := begin + time.Minute.Microseconds() // the bucket is full again
		rate, burst := l.own()
		refuse := func(age time.Duration) {
			t.Helper()
			body := refusal{Now: later, Scope: scopeQuestion{learnt: learnt{Rate: rate}, Burst: burst, Fresh: 1}, Age: age.Microseconds()}
			if err := s.refuse(t.Context(), account, body); err != nil {
				t.Fatal(err)
			}
		}
		refuse(time.Second)
		refuse(time.Second) // sent before the correction: it says nothing new
		if r := reserved(t, s, lotOf("w", later, "s", l)); r.scopes[0].due(0) != 1100*time.Millisecond {
			t.Errorf("next request after %v, want a quarter of the burst and one: 1.1 s", r.scopes[0].due(0))
		}
	})
}

// A provider that counts rate and burst as it was told must never find too
// many, whoever asks when, if what is promised is sent at its time.
func TestNoMoreIsPromisedThanTheLimit(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 1))
			name := fmt.Sprint("p", seed)
			s := newScripts(c, providers.Spec{Name: name, Endpoints: acme.Endpoints})
			l := Limits{Rate: float64(1 + r.IntN(100)), Burst: 1 + r.IntN(60), Concurrency: 1 + r.IntN(64)}
			due := promised(t, s, l, r)
			slices.Sort(due)
			tokens, last := float64(l.Burst), due[0]
			for i, at := range due {
				tokens = min(float64(l.Burst), tokens+l.Rate*float64(at-last)/1e6) - 1
				last = at
				if tokens < -1e-3 {
					t.Fatalf("seed %d, rate %.0f, burst %d: request %d is one too many", seed, l.Rate, l.Burst, i+1)
				}
			}
		}
	})
}

// promised lets workers ask at random for half a minute, and returns when each
// request may go out.
func promised(t *testing.T, s *scripts, l Limits, r *rand.Rand) []int64 {
	t.Helper()
	var due []int64
	workers := 1 + r.IntN(8)
	for now := begin; now < begin+30_000_000; now += r.Int64N(400_000) {
		turn := "ssssssssss"[:1+r.IntN(lotSize)]
		lot := reserved(t, s, lotOf(fmt.Sprint("w", r.IntN(workers)), now, turn, l))
		for i := range lot.granted[Submits] {
			wait := max(lot.scopes[0].due(i), lot.scopes[1].due(i))
			due = append(due, now+wait.Microseconds())
		}
	}
	return due
}

func TestSlotsAreNeverMoreThanThereAre(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 2))
			s := newScripts(c, providers.Spec{Name: fmt.Sprint("p", seed), Endpoints: acme.Endpoints})
			most, workers := 1+r.IntN(20), 1+r.IntN(8)
			held, keep := make([]int, workers), make([]int, workers)
			for now := begin; now < begin+30_000_000; now += r.Int64N(200_000) {
				w := r.IntN(workers)
				busy := r.IntN(keep[w] + 1) // others have ended
				q := lotOf(fmt.Sprint("w", w), now, "", Limits{Rate: Unlimited, Concurrency: most})
				q.Scopes, q.places = []scopeQuestion{}, nil
				q.Slots.Busy, q.Slots.Wants = busy, busy+r.IntN(most-busy+1)
				got := reserved(t, s, q)
				held[w], keep[w] = got.slots, max(got.keepTo, busy)
				sum := 0
				for _, n := range held {
					sum += n
				}
				if sum > most {
					t.Fatalf("seed %d: %d slots are held of %d: %v", seed, sum, most, held)
				}
			}
		}
	})
}

func TestADayIsOverByRedisClock(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newScripts(c, acme)
		l := Limits{Rate: 1000, Burst: 1000, Concurrency: 64}
		ask := func(now, till int64, used, spent int) reply {
			t.Helper()
			q := lotOf("w", now, "ssssssssss", l)
			q.Day = &dayQuestion{Till: till, Limit: 25, Used: used, Spent: spent}
			return reserved(t, s, q)
		}
		till := begin + 10_000_000
		if r := ask(begin, 0, 0, 0); r.status != newDay {
			t.Errorf("of a day that is not known: status %d, want to be told the time", r.status)
		}
		for i, want := range []int{10, 10, 5} {
			if r := ask(begin, till, 0, 0); r.granted[Submits] != want {
				t.Errorf("lot %d is of %d, want %d", i+1, r.granted[Submits], want)
			}
		}
		if r := ask(begin, till, 0, 0); r.status != usedUp || r.used != 25 {
			t.Errorf("then status %d, used %d; want the day used up by 25", r.status, r.used)
		}
		if r := ask(begin, till, 0, -3); r.granted[Submits] != 3 {
			t.Errorf("of three that were let go %d came back", r.granted[Submits])
		}
		c.Del(t.Context(), s.day)
		if r := ask(begin, till, 24, 0); r.granted[Submits] != 1 {
			t.Errorf("after the count was lost: a lot of %d, want what this process remembers to count", r.granted[Submits])
		}
		if r := ask(till, till, 25, 0); r.status != newDay {
			t.Errorf("when the day is over: status %d", r.status)
		}
		if r := ask(till, till+10_000_000, 0, 0); r.granted[Submits] != 10 || r.used != 10 {
			t.Errorf("on the next day a lot of %d, used %d; want ten", r.granted[Submits], r.used)
		}
	})
}

func TestThePaceIsReadForPeople(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		l := Limits{Rate: 100, Burst: 10, Concurrency: 4, Timeout: time.Minute, NextReset: func(t time.Time) time.Time { return t.Add(time.Hour) }}
		empty, err := ReadPace(t.Context(), c, acme, l)
		if err != nil || empty != (Pace{Rate: 100}) {
			t.Errorf("before anything is asked: %+v, %v", empty, err)
		}
		lim := NewLimiter(LimiterOptions{Redis: c, Spec: acme, Worker: "w", Limits: l})
		for range 3 {
			permit, err := lim.Acquire(t.Context(), Submits)
			if err != nil {
				t.Fatal(err)
			}
			permit.Use()
		}
		got, err := ReadPace(t.Context(), c, acme, l)
		if err != nil || got.Workers != 1 || got.InFlight < 2 || got.Used != 3 || got.Until.IsZero() || got.Learnt || got.Rate != 100 {
			t.Errorf("got %+v, %v", got, err)
		}
		if err := lim.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if got, _ := ReadPace(t.Context(), c, acme, l); got.Workers != 0 || got.InFlight != 0 {
			t.Errorf("after it left: %+v", got)
		}
	})
}
