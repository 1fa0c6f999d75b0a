package regnum

import (
	"slices"
	"sync"
	"time"

	"github.com/plateq/plateq/providers"
)

// How long a server that failed stands behind the others: doubling from the
// first to the longest while it fails again.
const (
	firstRest   = time.Minute
	longestRest = 15 * time.Minute
)

// servers remembers which of the servers are well. Safe for concurrent use.
type servers struct {
	now func() time.Time

	mu  sync.Mutex
	all []server
}

type server struct {
	fails int       // in a row
	back  time.Time // when it is tried in its own place again
}

func newServers(urls []string, now func() time.Time) *servers {
	return &servers{now: now, all: make([]server, len(urls))}
}

// order returns the servers in the order in which a call is to try them: those
// that are well as configured, then the others, longest rested first. One whose
// rest is over goes back to its place for this call, which finds out how it is;
// calls beside it need not wait for that.
func (s *servers) order() []int {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var well, resting []int
	for i := range s.all {
		v := &s.all[i]
		if v.fails > 0 && now.Before(v.back) {
			resting = append(resting, i)
			continue
		}
		if v.fails > 0 {
			v.back = now.Add(firstRest)
		}
		well = append(well, i)
	}
	slices.SortStableFunc(resting, func(a, b int) int { return s.all[a].back.Compare(s.all[b].back) })
	return append(well, resting...)
}

// learn takes note of how a server did. A call that our side ended says
// nothing of it.
func (s *servers) learn(i int, err *providers.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.all[i]
	switch {
	case err == nil || !unwell(err):
		*v = server{}
	case err.Code != "cancelled":
		v.fails++
		v.back = s.now().Add(rest(v.fails))
	}
}

// rest is how long a server rests after so many failures in a row.
func rest(fails int) time.Duration {
	d := firstRest
	for range fails - 1 {
		if d >= longestRest {
			break
		}
		d *= 2
	}
	return min(d, longestRest)
}

// unwell reports whether err is the server's fault rather than its word on the
// account or the plate.
func unwell(err *providers.Error) bool {
	return elsewhere(err) || err.Class == providers.Ambiguous
}

// elsewhere reports whether err proves that this server has not processed the
// request, so that another may be asked at once.
func elsewhere(err *providers.Error) bool {
	return err != nil && (err.Class == providers.Unavailable || isBare(err))
}
