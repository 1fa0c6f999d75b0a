package main

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// request is one that has reached the stand-in.
type request struct {
	sent, counted, ended time.Time // on its way, at the limit, answered
	refused              bool      // 429
}

// record is every request of a case.
type record struct {
	mu    sync.Mutex
	all   []request
	begun chan struct{} // closed by the first
}

func newRecord() *record { return &record{begun: make(chan struct{})} }

func (r *record) add(q request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, q)
	if len(r.all) == 1 {
		close(r.begun)
	}
}

// log returns the requests in the order in which they were counted.
func (r *record) log() log {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.all)
	slices.SortFunc(all, func(a, b request) int { return a.counted.Compare(b.counted) })
	return all
}

// log is requests in the order in which they were counted.
type log []request

// start is when the first was counted.
func (l log) start() time.Time { return l[0].counted }

// between returns those that were counted from one time to another, since the
// start.
func (l log) between(from, to time.Duration) log {
	at := func(d time.Duration) int {
		i, _ := slices.BinarySearchFunc(l, l.start().Add(d), func(q request, t time.Time) int { return q.counted.Compare(t) })
		return i
	}
	return l[at(from):at(to)]
}

// refused counts those that were one too many.
func (l log) refused() int {
	n := 0
	for _, q := range l {
		if q.refused {
			n++
		}
	}
	return n
}

// used is how much was answered of what a rate allows in a time.
func (l log) used(rate float64, in time.Duration) float64 {
	return float64(len(l)-l.refused()) / (rate * in.Seconds())
}

// refusedShare is how much of all that was sent was refused.
func (l log) refusedShare() float64 { return float64(l.refused()) / float64(max(1, len(l))) }

// peak is the most requests within any so long a time.
func (l log) peak(within time.Duration) int {
	most, from := 0, 0
	for i, q := range l {
		for q.counted.Sub(l[from].counted) >= within {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// overlap is the most requests that were under way at once.
func (l log) overlap() int {
	most := 0
	for _, q := range l {
		n := 0
		for _, o := range l {
			if !o.sent.After(q.sent) && o.ended.After(q.sent) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// seconds says how many were answered in each second, and how many refused:
// "50 49-1".
func (l log) seconds() string {
	var all []string
	for at := time.Duration(0); len(l) > 0 && at <= l[len(l)-1].counted.Sub(l.start()); at += time.Second {
		one := l.between(at, at+time.Second)
		text := strconv.Itoa(len(one) - one.refused())
		if n := one.refused(); n > 0 {
			text += "-" + strconv.Itoa(n)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}
