//go:build chaos

package chaos_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers/sim"
)

var (
	soakFlag  = flag.Duration("soak", 0, "how long the soak takes; 0: there is none")
	curveFlag = flag.String("curves", "", "file for the figures of the soak, as CSV, and with .svg in the place of .csv as a picture")
)

// others are the settings of the providers beside Attestr, at their stand-in.
func others(at string) []string {
	return []string{
		"PLATEQ_AOPAY_BASE_URL=" + at + "/aopay", "PLATEQ_AOPAY_REGISTRATION_ID=" + sim.DefaultToken,
		"PLATEQ_AOPAY_RATE=none", "PLATEQ_AOPAY_CONCURRENCY=4",
		"PLATEQ_REGNUM_URLS=" + at + "/regnum/bovsoft.regnum.run", "PLATEQ_REGNUM_ID=" + sim.DefaultLogin,
		"PLATEQ_REGNUM_SECCODE=" + sim.DefaultToken, "PLATEQ_REGNUM_NAMESERVICE=" + sim.RegnumService,
		"PLATEQ_REGNUM_RATE=none", "PLATEQ_REGNUM_CONCURRENCY=4",
		"PLATEQ_SPECTRUMDATA_BASE_URL=" + at + "/spectrumdata/b2b/api/v1", "PLATEQ_SPECTRUMDATA_USER=" + sim.DefaultLogin,
		"PLATEQ_SPECTRUMDATA_PASSWORD=" + sim.DefaultToken, "PLATEQ_SPECTRUMDATA_REPORT_TYPE_GRZ=" + sim.SpectrumGRZ,
		"PLATEQ_SPECTRUMDATA_REPORT_TYPE_VIN=" + sim.SpectrumVIN, "PLATEQ_SPECTRUMDATA_RATE=none", "PLATEQ_SPECTRUMDATA_CONCURRENCY=4",
		"PLATEQ_SPECTRUMDATA_POLL_MIN=500ms", "PLATEQ_SPECTRUMDATA_POLL_MAX=2s",
		"PLATEQ_RESSER_BASE_URL=" + at + "/resser", "PLATEQ_RESSER_AUTH_HEADER=" + sim.ResserHeader,
		"PLATEQ_RESSER_AUTH_VALUE=" + sim.DefaultToken, "PLATEQ_RESSER_RATE=none", "PLATEQ_RESSER_BATCH_SIZE=50", "PLATEQ_RESSER_CONCURRENCY=2",
	}
}

// perSoak is how many rows a list of the soak has.
const perSoak = 400

// load writes the nth list of a provider: no two ask the same.
var load = map[string]func(n int) []byte{
	"attestr": func(n int) []byte { return listOf("plate", n, func(i int) string { return plateAt('K', i) }) },
	"aopay":   func(n int) []byte { return listOf("plate", n, func(i int) string { return plateAt('D', i) }) },
	"regnum":  func(n int) []byte { return listOf("plate", n, func(i int) string { return plateAt('R', i) }) },
	"spectrumdata": func(n int) []byte {
		return listOf("grz,inn", n, func(i int) string { return fmt.Sprintf("A%03dBC%03d,45%08d", i%1000, i/1000%1000, i) })
	},
	"resser": func(n int) []byte {
		return listOf("vin,plate", n, func(i int) string { return fmt.Sprintf("EXAMPL0V1N%07d,%s", i, plateAt('Q', i)) })
	},
}

func plateAt(first rune, i int) string {
	return fmt.Sprintf("%cL%02d%c%c%c%04d", first, i/6_760_000%90+10, 'A'+i/260_000%26, 'A'+i/10_000%26, 'A'+i%7, i%10_000)
}

func listOf(head string, n int, row func(int) string) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, head)
	for i := range perSoak {
		fmt.Fprintln(&b, row(n*perSoak+i))
	}
	return b.Bytes()
}

// TestSoak looks lists up at all five providers for a time, with faults now and
// then, and looks whether anything grows:
//
//	go test -tags=chaos ./internal/chaos -run TestSoak -v -timeout 3h -args -soak 1h -curves soak.csv
func TestSoak(t *testing.T) {
	if *soakFlag == 0 {
		t.Skip("only with -soak")
	}
	r := chaos.Result{Cell: "soak"}
	tr := &trial{T: t, result: &r}
	w := tr.build(ground{server: pgtest.Start(t), every: true, rows: 1, batch: 20, least: 100 * time.Millisecond, most: time.Second})
	for _, endpoint := range []string{"fetch", "lookup"} {
		w.provider.set(sim.Fault{Name: "call " + endpoint, Kind: sim.KindLatency, Where: endpoint, For: 100 * time.Millisecond, Jitter: 200 * time.Millisecond})
	}
	for range 2 {
		w.worker()
	}
	w.scheduler = w.spawn("scheduler")
	s := &storm{world: w, Rand: rand.New(rand.NewPCG(1, 1))}
	over := make(chan struct{})
	var loads sync.WaitGroup
	lists := make(map[string]int)
	var mu sync.Mutex
	for provider := range load {
		loads.Go(func() {
			n := w.keepBusy(provider, over)
			mu.Lock()
			defer mu.Unlock()
			lists[provider] = n
		})
	}
	curves := w.watch(over, *soakFlag/240)
	faults := 0
	for end := time.Now().Add(*soakFlag); time.Now().Before(end); faults++ {
		<-time.After(min(time.Minute, *soakFlag/10))
		m := mishaps[s.IntN(len(mishaps))]
		mend := m.do(s)
		<-time.After(3 * time.Second)
		mend()
	}
	close(over)
	loads.Wait()
	c := <-curves
	for i, name := range c.Names {
		t.Logf("%s: grew %.2f times", name, c.Growth(i))
		if c.Growth(i) > 1.25 {
			t.Errorf("%s grew %.2f times from the second quarter to the last", name, c.Growth(i))
		}
	}
	w.settleSoak()
	t.Logf("%d faults, lists by provider: %v, each of %d rows", faults, lists, perSoak)
}

// keepBusy hands in one list after the other, and returns how many.
func (w *world) keepBusy(provider string, over <-chan struct{}) int {
	for n := 0; ; n++ {
		o := client.SubmitOptions{Provider: provider, Format: client.CSV, Key: provider + strconv.Itoa(n)}
		for {
			b, err := w.api.Submit(w.Context(), o, bytes.NewReader(load[provider](n)))
			if err == nil {
				awaitWithin(w, 20*time.Minute, "a list of "+provider+" is done", func() bool {
					b, err := w.api.Batch(w.Context(), b.ID)
					return err == nil && b.State.Finished()
				})
				break
			}
			<-time.After(time.Second)
		}
		select {
		case <-over:
			return n + 1
		default:
		}
	}
}

// settleSoak demands that the books balance, and that nothing was paid twice.
func (w *world) settleSoak() {
	w.Helper()
	if p := w.problems(); len(p) > 0 {
		w.Errorf("%d problems: %v", len(p), p)
	}
	twice, paid := 0, map[string]int{}
	for _, c := range w.provider.charges() {
		for _, p := range c.Plates {
			if paid[p]++; paid[p] == 2 && c.Charged > 0 {
				twice++
			}
		}
	}
	if twice > 0 {
		w.Errorf("%d were charged twice", twice)
	}
	if open := w.sql("SELECT count(*) FROM batches WHERE state <> 'done'"); open > 0 {
		w.Errorf("%d lists are not done", open)
	}
	w.Logf("%d charged, %d twice", len(paid), twice)
}

// watch takes figures until it is over, and writes them down if asked to.
func (w *world) watch(over <-chan struct{}, every time.Duration) <-chan chaos.Curves {
	c := chaos.Curves{Names: []string{"memory, MiB", "goroutines", "files and connections", "Redis, MiB", "tables, bytes a row"}, Values: make([][]float64, 5)}
	done := make(chan chaos.Curves, 1)
	began := time.Now()
	go func() {
		for {
			select {
			case <-over:
				w.draw(c)
				done <- c
				return
			case <-time.After(max(time.Second, every)):
			}
			if v, ok := w.figures(); ok {
				c.Seconds = append(c.Seconds, time.Since(began).Seconds())
				for i := range v {
					c.Values[i] = append(c.Values[i], v[i])
				}
			}
		}
	}()
	return done
}

// figures are what is watched; none while something is away.
func (w *world) figures() (v [5]float64, ok bool) {
	alive := []*process{w.serve, w.scheduler}
	for _, p := range append(alive, slices.Clone(w.workers)...) {
		if p.ended() || p.goroutines() == 0 {
			return v, false
		}
		v[0] += float64(p.resident())
		v[1] += float64(p.goroutines())
		v[2] += float64(p.handles())
	}
	info, err := w.redis.Client().InfoMap(w.Context(), "memory").Result()
	if err != nil {
		return v, false
	}
	used, err := strconv.ParseFloat(info["Memory"]["used_memory"], 64)
	bytes, err2 := ask(w.Context(), w.url, "SELECT pg_database_size(current_database())")
	rows, err3 := ask(w.Context(), w.url, "SELECT coalesce(sum(rows), 0) FROM batches")
	if err != nil || err2 != nil || err3 != nil || rows == 0 {
		return v, false
	}
	v[3], v[4] = used/(1<<20), float64(bytes)/float64(rows)
	return v, len(w.workers) == 2
}

func (w *world) draw(c chaos.Curves) {
	if *curveFlag == "" || len(c.Seconds) < 4 {
		return
	}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write(append([]string{"seconds"}, c.Names...)) // into memory
	for j, at := range c.Seconds {
		line := []string{strconv.FormatFloat(at, 'f', 1, 64)}
		for i := range c.Names {
			line = append(line, strconv.FormatFloat(c.Values[i][j], 'f', 1, 64))
		}
		_ = out.Write(line) // likewise
	}
	out.Flush()
	picture := (*curveFlag)[:len(*curveFlag)-len(".csv")] + ".svg"
	if err := os.WriteFile(*curveFlag, b.Bytes(), 0o644); err != nil {
		w.Error(err)
	}
	if err := os.WriteFile(picture, []byte(c.SVG()), 0o644); err != nil {
		w.Error(err)
	}
}
