package jobs

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// listed is a ticket of a provider that is made up: its records in the order in
// which they are listed, page by page.
type listed struct {
	page  int
	final []time.Duration // when each becomes final
	known []time.Duration // when a read showed it; 0: not yet
	reads int
	times map[int][]time.Duration // of reads, by part
}

func (l *listed) parts() []providers.Part {
	var all []providers.Part
	for i := 0; i < len(l.final); i += l.page {
		end := min(i+l.page, len(l.final))
		p, open := providers.Part{Size: end - i}, false
		for _, known := range l.known[i:end] {
			switch {
			case known == 0:
				p.Open++
				open = true
			case open:
				p.Ahead++
			}
		}
		all = append(all, p)
	}
	return all
}

func (l *listed) read(part int, now time.Duration) {
	l.reads++
	l.times[part] = append(l.times[part], now)
	if l.parts()[part].Open == 0 {
		panic("a part is read that is final")
	}
	for i := part * l.page; i < min((part+1)*l.page, len(l.final)); i++ {
		if l.known[i] == 0 && l.final[i] <= now {
			l.known[i] = now
		}
	}
}

// newListed has n records that become final within a time, as order says.
func newListed(n int, within time.Duration, seed uint64, order func(r *rand.Rand, i, n int) float64) *listed {
	r := rand.New(rand.NewPCG(seed, 7))
	l := &listed{page: 100, final: make([]time.Duration, n), known: make([]time.Duration, n), times: map[int][]time.Duration{}}
	for i := range l.final {
		l.final[i] = time.Duration(order(r, i, n) * float64(within))
	}
	return l
}

func inOrder(r *rand.Rand, i, n int) float64  { return (float64(i) + r.Float64()) / float64(n) }
func atRandom(r *rand.Rand, _, _ int) float64 { return r.Float64() }

// follow polls a ticket to its end by the policy, and puts down how long after
// it was final each record was known.
func follow(p *Policy, l *listed, clock *time.Time) []time.Duration {
	began := *clock
	ticket := store.OpenTicket{Created: began}
	due := p.firstPoll(began, time.Time{})
	for left := true; left; {
		*clock = due
		ticket.Due = due
		a := p.agenda(ticket, l.parts())
		for {
			part := a.next()
			l.read(part, clock.Sub(began))
			if left = a.took(part, l.parts(), *clock); !left {
				break
			}
			ticket.Handle.Plan = a.plan.write()
			first, _ := a.first()
			if due = time.UnixMilli(first); due.After(*clock) {
				break
			}
			*clock = clock.Add(100 * time.Millisecond)
		}
	}
	delays := make([]time.Duration, len(l.final))
	for i := range delays {
		delays[i] = l.known[i] - l.final[i]
	}
	return delays
}

func simPolicy(price float64, clock *time.Time) *Policy {
	return NewPolicy(providers.Spec{Name: "acme"}, Limits{
		PollMin: 15 * time.Second, PollMax: 5 * time.Minute, PollPrice: price,
	}, func() time.Time { return *clock })
}

// figures are what polls came to: requests beside the fewest possible, which
// read each page once, and the delay from a record being final to it being known.
type figures struct {
	times            float64
	median, p95, max time.Duration
}

// measure polls tickets of 500 records, each after some of the same kind if the
// provider is known already, and adds up.
func measure(price float64, known bool, within time.Duration, order func(*rand.Rand, int, int) float64) figures {
	var delays []time.Duration
	reads, fewest := 0, 0
	for seed := range uint64(10) {
		clock := noon
		p := simPolicy(price, &clock)
		for before := range uint64(4) {
			if known {
				follow(p, newListed(500, within, 1000+100*seed+before, order), &clock)
			}
		}
		l := newListed(500, within, seed, order)
		delays = append(delays, follow(p, l, &clock)...)
		reads += l.reads
		fewest += len(l.parts())
	}
	slices.Sort(delays)
	return figures{
		times:  float64(reads) / float64(fewest),
		median: delays[len(delays)/2], p95: delays[len(delays)*95/100], max: delays[len(delays)-1],
	}
}

// TestPollPrice prints what a price comes to and holds the default to what is
// said of it in docs/polling.md.
func TestPollPrice(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		order  func(*rand.Rand, int, int) float64
		times  float64 // the most
		median time.Duration
	}{
		{"in order", inOrder, 3, 15 * time.Second},
		{"at random", atRandom, 10, 20 * time.Second},
	} {
		for _, known := range []bool{false, true} {
			last := figures{times: math.Inf(1)}
			for _, price := range []float64{0, 60, DefaultPollPrice, 1000} {
				got := measure(price, known, 5*time.Minute, tc.order)
				t.Logf("%-9s known %-5t price %4.0f: %4.1f times the fewest, median %4.1f s, 95 %% within %5.1f s, longest %5.1f s",
					tc.name, known, price, got.times, got.median.Seconds(), got.p95.Seconds(), got.max.Seconds())
				if got.times > last.times || got.median < last.median {
					t.Errorf("%s, price %.0f: got %+v after %+v, want fewer requests and more delay", tc.name, price, got, last)
				}
				if price == DefaultPollPrice && (got.times > tc.times || got.median > tc.median) {
					t.Errorf("%s: got %+v, want at most %.0f times the fewest requests and a median of %v", tc.name, got, tc.times, tc.median)
				}
				last = got
			}
		}
	}
}

// TestOrderThatBreaks: where records follow the order of the list and one of
// them, or a page, does not, the others do not wait for it.
func TestOrderThatBreaks(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]func(*rand.Rand, int, int) float64{
		"one is stuck": func(r *rand.Rand, i, n int) float64 {
			if i == 30 {
				return 2
			}
			return inOrder(r, i, n)
		},
		"a page comes last": func(r *rand.Rand, i, n int) float64 {
			if i/100 == 1 {
				return 1 + inOrder(r, i, n)
			}
			return inOrder(r, i, n)
		},
		"the list is read from its end": func(r *rand.Rand, i, n int) float64 { return inOrder(r, n-1-i, n) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := measure(DefaultPollPrice, false, 5*time.Minute, order)
			t.Logf("got %+v", got)
			if got.times > 12 || got.p95 > 90*time.Second || got.max > 5*time.Minute+time.Second {
				t.Errorf("got %+v, want at most 12 times the fewest requests and 95 %% within 90 s", got)
			}
		})
	}
}

// TestPartsAreReadWithinBounds: one that is not final is read no sooner than
// after the shortest pause and no later than after the longest, whatever it is
// worth; one that is final is not read again.
func TestPartsAreReadWithinBounds(t *testing.T) {
	t.Parallel()
	for _, within := range []time.Duration{time.Second, time.Minute, 20 * time.Minute, 10 * time.Hour} {
		for _, price := range []float64{0, DefaultPollPrice, 1e6} {
			for name, order := range map[string]func(*rand.Rand, int, int) float64{"in order": inOrder, "at random": atRandom} {
				clock := noon
				l := newListed(300, within, 1, order)
				follow(simPolicy(price, &clock), l, &clock)
				for part, times := range l.times {
					for i, at := range times {
						last := time.Duration(0)
						if i > 0 {
							last = times[i-1]
						}
						// A page is due with others, and waits for its turn behind them.
						if pause := at - last; pause > 5*time.Minute+time.Second || i > 0 && pause < 15*time.Second-time.Millisecond {
							t.Errorf("%s within %v, price %.0f: part %d was read %v after it was last", name, within, price, part, pause)
						}
					}
				}
			}
		}
	}
}
