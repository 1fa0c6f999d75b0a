//go:build chaos

package chaos_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers/sim"
)

var (
	roundsFlag = flag.Int("rounds", 20, "how many rounds of random faults there are")
	lengthFlag = flag.Duration("length", 5*time.Minute, "how long faults go on in a round")
	seedFlag   = flag.Uint64("seed", 0, "of the first round, the next have the numbers after it; 0: chosen by the clock")
)

// mishap is something that goes wrong for a time. It returns what mends it.
type mishap struct {
	name string
	do   func(*storm) (mend func())
}

// mishaps are of processes, Redis, the store, the provider and the network.
var mishaps = []mishap{
	{"worker killed", func(s *storm) func() {
		s.pick().kill()
		return func() { s.worker() }
	}},
	{"worker replaced", func(s *storm) func() {
		p := s.pick()
		p.signal(syscall.SIGTERM)
		return func() {
			p.exit(2 * time.Minute)
			s.worker()
		}
	}},
	{"worker frozen", func(s *storm) func() {
		p := s.workers[s.IntN(len(s.workers))]
		p.signal(syscall.SIGSTOP)
		return func() { p.signal(syscall.SIGCONT) }
	}},
	{"scheduler killed", func(s *storm) func() {
		s.scheduler.kill()
		return func() { s.scheduler = s.spawn("scheduler") }
	}},
	{"server killed", func(s *storm) func() {
		s.serve.kill()
		return s.open
	}},
	{"Redis killed", func(s *storm) func() {
		s.redis.Kill()
		return s.redis.Run
	}},
	{"Redis emptied", func(s *storm) func() {
		c := s.redis.Client()
		if err := c.FlushAll(s.Context()).Err(); err != nil {
			s.Error(err)
		}
		return func() {}
	}},
	{"Redis frozen", func(s *storm) func() {
		s.redis.Freeze()
		return s.redis.Thaw
	}},
	{"Redis full", func(s *storm) func() {
		s.configure("maxmemory", "1mb")
		return func() { s.configure("maxmemory", "0") }
	}},
	{"PostgreSQL killed", func(s *storm) func() {
		s.server.Kill()
		return s.mend(s.server.Run)
	}},
	{"PostgreSQL restarted", func(s *storm) func() {
		s.server.Stop()
		return s.mend(s.server.Run)
	}},
	{"provider killed", func(s *storm) func() {
		s.provider.kill()
		return func() {
			s.provider.run()
			s.provider.set(slowness(s.least, s.most)...)
		}
	}},
	{"charged, and the line is cut", spoils(sim.KindChargeThenClose)},
	{"charged, and the answer is cut", spoils(sim.KindChargeThenCut)},
	{"the line is cut", spoils(sim.KindClose)},
	{"web pages for answers", spoils(sim.KindHTML)},
	{"503", spoils("503")},
	{"4291", spoils("4291")},
	{"worker cut off from Redis", parts(func(x *wires) string { return x.redis })},
	{"worker cut off from PostgreSQL", parts(func(x *wires) string { return x.store })},
	{"worker cut off from the provider", parts(func(x *wires) string { return x.provider })},
}

// parts cuts the worker off that is behind wires; where only root could make
// them, nothing happens.
func parts(from func(*wires) string) func(*storm) func() {
	return func(s *storm) func() {
		if s.wires == nil {
			return func() {}
		}
		s.wires.part(from(s.wires))
		return func() { s.wires.join(from(s.wires)) }
	}
}

// spoils has a few submits answered so.
func spoils(kind sim.Kind) func(*storm) func() {
	return func(s *storm) func() {
		s.provider.set(sim.Fault{Name: "mishap", Kind: kind, Where: "submit", First: 1 + s.IntN(3)})
		return func() { s.provider.clear("mishap") }
	}
}

// storm is a world in which one thing after the other goes wrong.
type storm struct {
	*world
	*rand.Rand
	wires *wires // of a worker more; nil: there are none
}

func (s *storm) mend(run func() error) func() {
	return func() {
		if err := run(); err != nil {
			s.Fatal(err)
		}
	}
}

// pick takes a worker from those that there are.
func (s *storm) pick() *process {
	i := s.IntN(len(s.workers))
	p := s.workers[i]
	s.workers = append(s.workers[:i:i], s.workers[i+1:]...)
	return p
}

// TestRandom lets random faults come for some time while lists come in, several
// times over:
//
//	go test -tags=chaos ./internal/chaos -run TestRandom -v -timeout 3h -args -rounds 20 -length 5m -seed 1
func TestRandom(t *testing.T) {
	seed := cmp.Or(*seedFlag, uint64(time.Now().Unix()))
	var results rounds
	t.Run("round", func(t *testing.T) {
		for i := range *roundsFlag {
			seed := seed + uint64(i)
			t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
				t.Parallel()
				r := chaos.Result{Cell: "N6", Fault: fmt.Sprintf("seed %d", seed)}
				defer func() {
					r.Held = !t.Failed()
					results.add(r)
				}()
				round(&trial{T: t, result: &r}, seed)
			})
		}
	})
	results.write(t)
}

// rounds are the results of all.
type rounds struct {
	mu  sync.Mutex
	all []chaos.Result
}

func (r *rounds) add(one chaos.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
	fmt.Println(one.Fault, one)
}

func (r *rounds) write(t *testing.T) {
	t.Helper()
	held, worst, unknown := 0, time.Duration(0), 0
	var lines strings.Builder
	for _, one := range r.all {
		if one.Held {
			held++
		}
		worst, unknown = max(worst, one.Recovered), unknown+one.Unknown
		word := map[bool]string{true: "held", false: "**broken**"}[one.Held]
		fmt.Fprintf(&lines, "| %s | %s | %d | %d | %d | %d | %.1f | %s |\n",
			strings.TrimPrefix(one.Fault, "seed "), word, one.Lost, one.PaidTwice, one.Unknown, one.NotStored, one.Recovered.Seconds(), one.More)
	}
	said := fmt.Sprintf("%d of %d rounds of %s held; the slowest recovered in %.1f s.", held, len(r.all), *lengthFlag, worst.Seconds())
	fmt.Println(said)
	writeSection(t, "rounds", said+" "+*noteFlag+"\n\n| seed | result | lost | paid twice | unknown | paid, not stored | seconds to recover | and |\n|---|---|---|---|---|---|---|---|\n"+lines.String())
}

// perRound is how many plates a list of a round has.
const perRound = 1000

func round(t *trial, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 6))
	w := t.build(ground{server: pgtest.Start(t), rows: perRound, batch: 20, least: 200 * time.Millisecond, most: 2 * time.Second})
	w.list = nil
	for range 3 {
		w.worker()
	}
	w.scheduler = w.spawn("scheduler")
	s := &storm{world: w, Rand: r}
	if os.Getuid() == 0 {
		s.wires = w.wire(startNetwork(t))
	}
	over := make(chan struct{})
	var lists sync.WaitGroup
	lists.Go(func() { s.handIn(over) })
	faults := map[string]int{}
	for end := time.Now().Add(*lengthFlag); time.Now().Before(end); {
		<-time.After(time.Duration(2000+s.IntN(6000)) * time.Millisecond)
		m := mishaps[s.IntN(len(mishaps))]
		faults[m.name]++
		mend := m.do(s)
		<-time.After(time.Duration(s.IntN(lasting(6000, 20_000))) * time.Millisecond)
		mend()
	}
	close(over)
	lists.Wait()
	w.mended = time.Now()
	w.needed = 1 << 30 // how many calls are split over faults, nobody can say
	w.account()
	n := 0
	for _, times := range faults {
		n += times
	}
	t.more("%d rows, %d faults of %d kinds", len(w.lists)*perRound, n, len(faults))
}

// handIn hands in one list after the other, each until it is accepted, and no
// more than two at a time.
func (s *storm) handIn(over <-chan struct{}) {
	all := plates(1_000_000)
	for n := 0; ; n++ {
		list := all[n*perRound : (n+1)*perRound]
		text, o := csvOf(list), client.SubmitOptions{Provider: "attestr", Format: client.CSV, Key: strconv.Itoa(n)}
		for {
			b, err := s.api.Submit(s.Context(), o, bytes.NewReader(text))
			if err == nil {
				s.lists = append(s.lists, handed{b.ID, list})
				break
			}
			select {
			case <-over:
				// It may have been accepted all the same: it counts if it was.
				<-time.After(time.Second)
			case <-time.After(time.Second):
			}
		}
		for s.behind() {
			select {
			case <-over:
				return
			case <-time.After(time.Second):
			}
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

// behind reports whether two lists are not done.
func (s *storm) behind() bool {
	open := 0
	for _, l := range s.lists {
		if b, err := s.api.Batch(s.Context(), l.id); err != nil || !b.State.Finished() {
			open++
		}
	}
	return open >= 2
}
