package jobs

import (
	"maps"
	"time"

	"github.com/plateq/plateq/store"
)

// forget drops rings that went unheard for too long: at once where Redis
// holds no task any more, since then they are lost.
func (b *bells) forget(now time.Time, inRedis int) {
	limit := ringAgain
	if inRedis == 0 {
		limit = lostAfter
	}
	maps.DeleteFunc(b.chunks, func(_ store.ChunkID, r rung) bool { return now.Sub(r.at) >= limit })
	maps.DeleteFunc(b.tickets, func(_ store.TicketID, r rung) bool { return now.Sub(r.at) >= limit })
}

// nextTickets returns the tickets to be rung for, the longest due first, so that
// no more than a window of them are rung for and not taken.
func (b *bells) nextTickets(due []store.TicketRef, window int, now time.Time) []store.TicketRef {
	all := len(due)
	fresh := b.unrung(due, now)
	return fresh[:min(len(fresh), max(0, window-(all-len(fresh))))]
}

// unrung returns the tickets that are not rung for yet, and forgets those
// that are due no more.
func (b *bells) unrung(due []store.TicketRef, now time.Time) []store.TicketRef {
	seen := make(map[store.TicketID]bool, len(due))
	fresh := due[:0]
	for _, t := range due {
		seen[t.ID] = true
		if r, ok := b.tickets[t.ID]; ok && r.ring == t.Polls && now.Sub(r.at) < ringAgain {
			continue
		}
		fresh = append(fresh, t)
	}
	maps.DeleteFunc(b.tickets, func(id store.TicketID, _ rung) bool { return !seen[id] })
	return fresh
}

// keepServed forgets batches that have gone and gives new ones the standing
// of the least served: they wait for nobody, and nobody waits for them. What was
// rung for before one was paused was in vain.
func (b *bells) keepServed(turns []store.Turn) {
	running := make(map[store.BatchNo]bool, len(turns))
	least := -1.0
	for _, t := range turns {
		running[t.Batch] = true
		if s, ok := b.served[t.Batch]; ok && (least < 0 || s < least) {
			least = s
		}
	}
	maps.DeleteFunc(b.served, func(n store.BatchNo, _ float64) bool { return !running[n] })
	maps.DeleteFunc(b.fresh, func(n store.BatchNo, _ bool) bool { return !running[n] })
	for n := range running {
		if _, ok := b.served[n]; !ok {
			b.served[n], b.fresh[n] = max(0, least), true
			maps.DeleteFunc(b.chunks, func(c store.ChunkID, _ rung) bool { return c.Home() == n })
		}
	}
}

// unheard returns the batches that were never rung for.
func (b *bells) unheard(turns []store.Turn) []store.Turn {
	var fresh []store.Turn
	for _, t := range turns {
		if b.fresh[t.Batch] {
			fresh = append(fresh, t)
		}
	}
	return fresh
}

// rung reports that a chunk need not be rung for: its bell hangs, or somebody
// works on it. A chunk of look-ups is claimed bit by bit, each a sign that a
// worker is at it, and none for a while that it was left.
func (b *bells) rung(c store.ChunkRef, now time.Time, lookups bool) bool {
	r, ok := b.chunks[c.ID]
	switch {
	case !ok:
		return false
	case r.ring == c.Ring && r.heard:
		return now.Sub(r.at) < leftAfter
	case r.ring == c.Ring:
		return now.Sub(r.at) < ringAgain
	case !lookups:
		return false
	}
	b.chunks[c.ID] = rung{ring: c.Ring, at: now, heard: true}
	return true
}

// least returns the index of the batch that was served least.
func (b *bells) least(turns []store.Turn) int {
	best := 0
	for i, t := range turns {
		if b.served[t.Batch] < b.served[turns[best].Batch] {
			best = i
		}
	}
	return best
}
