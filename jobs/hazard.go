package jobs

import (
	"math"
	"sync"
	"time"
)

// Ages of tickets are told apart in bins, each a fifth longer than the last,
// and parts by their place, up to some; those behind are taken together.
const (
	firstBin  = 5 // seconds
	binGrowth = 1.2
	ageBins   = 64
	partCells = 8
)

// pooled is the row of cells for all parts.
const pooled = partCells

// A cell counts as much as priorWeight records that live as long as a ticket
// is old already, shortLife at least. That of one part counts by itself when it
// has seen trusted records.
const (
	priorWeight = 1
	shortLife   = 60
	trusted     = 50
)

// maxRecords bounds what is remembered, so that a provider that changes is
// learnt anew: beyond it all weights are halved.
const maxRecords = 20_000

// weight is what was seen at one age: records that became final, and for how
// many seconds how many records could have.
type weight struct{ events, exposure float64 }

func (w *weight) add(o weight) {
	w.events += o.events
	w.exposure += o.exposure
}

// cells holds a weight for each part and age.
type cells [partCells + 1][ageBins]weight

// hazards estimates how soon the records of a provider become final, from all
// that were seen to: how likely one that is open at some age, and in some part
// of its ticket, is not any more a second later. It is safe for concurrent use.
type hazards struct {
	mu      sync.Mutex
	known   cells     // the fleet's, as last heard of
	news    cells     // that the fleet was not told of
	records int       // of the news
	again   time.Time // when they are told next
}

// halve lets all that was seen count half. The caller holds the lock.
func (h *hazards) halve() {
	for _, c := range []*cells{&h.known, &h.news} {
		for i := range c {
			for j := range c[i] {
				c[i][j].events /= 2
				c[i][j].exposure /= 2
			}
		}
	}
	h.records /= 2
}

// binOf returns the bin of an age in seconds; binEnd is where one ends.
func binOf(age float64) int {
	if age < firstBin {
		return 0
	}
	return min(ageBins-1, 1+int(math.Log(age/firstBin)/math.Log(binGrowth)))
}

func binEnd(bin int) float64 {
	if bin == ageBins-1 {
		return math.Inf(1)
	}
	return firstBin * math.Pow(binGrowth, float64(bin))
}

// at is the hazard in a bin, per second. The caller holds the lock.
func (h *hazards) at(part, bin int) float64 {
	life := math.Max(shortLife, firstBin*math.Pow(binGrowth, float64(bin)))
	w := h.known[pooled][bin]
	w.add(h.news[pooled][bin])
	if part < pooled {
		own := h.known[part][bin]
		own.add(h.news[part][bin])
		if math.Max(own.events, own.exposure/life) >= trusted {
			w = own
		}
	}
	return (w.events + priorWeight) / (w.exposure + priorWeight*life)
}

// learn takes note that of so many open records of a part some became final
// while their ticket aged from one age to another. When within that time is not
// known: they are spread as was to be expected.
func (h *hazards) learn(part int, from, to time.Duration, open, final int) {
	if to <= from || open <= 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	part = min(part, pooled)
	if h.records += final; h.records > maxRecords {
		h.halve()
	}
	var seen [ageBins]weight
	expected, alive := 0.0, float64(open)
	for at, end := from.Seconds(), to.Seconds(); at < end; {
		bin := binOf(at)
		next := math.Min(end, math.Max(binEnd(bin), at+1e-3))
		left := alive * math.Exp(-h.at(part, bin)*(next-at))
		seen[bin].add(weight{events: alive - left, exposure: next - at})
		expected += alive - left
		alive, at = left, next
	}
	left := float64(open)
	for bin, w := range seen {
		if w.exposure == 0 {
			continue
		}
		events := w.events / expected * float64(final)
		one := weight{events: events, exposure: (left - events/2) * w.exposure}
		left -= events
		h.news[pooled][bin].add(one)
		if part < pooled {
			h.news[part][bin].add(one)
		}
	}
}

// wait is how long after a read of a part, at some age of its ticket, the
// records that became final since will have waited price seconds together, as
// far as can be told: not longer than most.
func (h *hazards) wait(part int, age time.Duration, open int, price float64, most time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	part = min(part, pooled)
	waited, alive := 0.0, float64(open)
	from, end := age.Seconds(), (age + most).Seconds()
	for at := from; at < end; {
		step := math.Max(minStep, stepShare*at)
		alive *= math.Exp(-h.at(part, binOf(at)) * step)
		waited += (float64(open) - alive) * step
		at += step
		if waited >= price {
			return min(most, time.Duration((at-from)*float64(time.Second)))
		}
	}
	return most
}

// How finely wait looks ahead: seconds, and shares of the age.
const (
	minStep   = 0.1
	stepShare = 0.005
)
