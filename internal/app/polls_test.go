package app_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// However many schedulers ring for a ticket and however many workers hear it,
// it is polled once in an interval. A call fits on one page here, so that a
// pass over its records is one request.
func TestTicketsArePolledOnceAnInterval(t *testing.T) {
	t.Parallel()
	interval := lasting(time.Second, 5*time.Second)
	perCall, rows := 20, 600
	if *long {
		perCall, rows = 100, 50_000
	}
	final := 5*interval + interval/2
	var polls pollTimes
	u := standInBehind(t, sim.Options{Answers: sim.DefaultAnswers(), Completion: sim.Completion{Min: final, Max: final}}, polls.note)
	f := newFleet(t, u, "PLATEQ_ATTESTR_BATCH_SIZE="+strconv.Itoa(perCall),
		"PLATEQ_ATTESTR_POLL_MIN="+interval.String(), "PLATEQ_ATTESTR_POLL_MAX="+interval.String())
	f.serve()
	for _, part := range []string{"worker", "worker", "scheduler", "scheduler"} {
		f.spawn(part)
	}
	list := plates(rows)
	out := f.await(f.submit(list))
	if by := f.inOrder(out, list); by["unknown"] != 0 {
		t.Errorf("got %v, want nothing unknown", by)
	}
	f.answered(u, out)
	if n := len(polls.at); n != rows/perCall || u.chargedTwice() != 0 {
		t.Errorf("%d tickets, %d plates charged twice; want %d, 0", n, u.chargedTwice(), rows/perCall)
	}
	polls.onceAn(t, interval)
	f.check()
}

// pollTimes are the times at which a stand-in was asked about tickets.
type pollTimes struct {
	mu sync.Mutex
	at map[string][]time.Time
}

func (p *pollTimes) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ticket, ok := strings.CutSuffix(r.URL.Path, "/items"); ok {
			p.mu.Lock()
			if p.at == nil {
				p.at = map[string][]time.Time{}
			}
			p.at[ticket] = append(p.at[ticket], time.Now())
			p.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

// onceAn demands that polls were an interval apart, and that there were at
// most 1.05 for each ticket and each interval in which it was polled.
func (p *pollTimes) onceAn(t *testing.T, interval time.Duration) {
	t.Helper()
	polls, intervals, early := 0, 0, 0
	for _, at := range p.at {
		polls += len(at)
		intervals += 1 + int(at[len(at)-1].Sub(at[0])/interval)
		for i := range at[1:] {
			if at[i+1].Sub(at[i]) < interval-time.Millisecond { // of which times are kept
				early++
			}
		}
	}
	ratio := float64(polls) / float64(intervals)
	t.Logf("%d tickets, %d polls, %d intervals: %.3f polls for each ticket and interval, %d too early", len(p.at), polls, intervals, ratio, early)
	if ratio > 1.05 || early > 0 {
		t.Errorf("%.3f polls for each ticket and interval, %d too early; want at most 1.05, 0", ratio, early)
	}
	if polls < 3*len(p.at) {
		t.Errorf("%d polls of %d tickets are too few to tell", polls, len(p.at))
	}
}
