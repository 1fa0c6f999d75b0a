package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// batch is a submit that was accepted. Its records hold nothing but their plates: ids, completion times and answers
// are worked out from them, which keeps a hundred thousand records small.
type batch struct {
	terms
	id      string
	account string // its name
	at      time.Time
	plates  []string
	draw    uint64        // the batch's own
	last    time.Duration // when the last record becomes final, after at

	reads int      // items calls that were served
	shown []uint64 // bit i: record i was shown final
}

func newBatch(id, account string, at time.Time, plates []string, t terms) *batch {
	b := &batch{terms: t, id: id, account: account, at: at, plates: plates, draw: draw(t.Seed, "batch", id)}
	b.shown = make([]uint64, (len(plates)+63)/64)
	for i := range plates {
		b.last = max(b.last, b.after(i))
	}
	return b
}

func (b *batch) after(i int) time.Duration { return b.Completion.after(b.draw, i, len(b.plates)) }

func (b *batch) final(i int, now time.Time) bool { return !now.Before(b.at.Add(b.after(i))) }

// settled tells that every record is final, records that a fault keeps from it aside.
func (b *batch) settled(now time.Time) bool { return !now.Before(b.at.Add(b.last)) }

// show notes that record i is shown final and tells whether it was before.
func (b *batch) show(i int) bool {
	word, bit := &b.shown[i/64], uint64(1)<<(i%64)
	before := *word&bit != 0
	*word |= bit
	return before
}

func (b *batch) wasShown(i int) bool { return b.shown[i/64]&(1<<(i%64)) != 0 }

func (b *batch) recordID(i int) string { return fmt.Sprintf("%016x%08x", b.draw, i) }

// order returns the records that this read lists, in its order. It moves while records complete and stands still
// afterwards, unless a fault says for ever.
func (b *batch) order(c *call, now time.Time) []int {
	rows := make([]int, len(b.plates))
	for i := range rows {
		rows[i] = i
	}
	settled := b.settled(now)
	if f, ok := c.fault(KindReorder); ok {
		at := b.reads
		if settled && !f.Forever {
			at = 0
		}
		rows = rand.New(rand.NewPCG(b.draw, drawAt(b.draw, at))).Perm(len(b.plates))
	}
	if f, ok := c.fault(KindShift); ok && (!settled || f.Forever) {
		by := b.reads * f.n(20) % len(rows)
		rows = append(rows[by:len(rows):len(rows)], rows[:by]...)
	}
	if f, ok := c.fault(KindMissing); ok {
		kept := rows[:0]
		for _, i := range rows {
			if !f.hits(b, i) {
				kept = append(kept, i)
			}
		}
		rows = kept
	}
	return rows
}

// state is what this read says of record i.
func (b *batch) state(c *call, i int, now time.Time) Answer {
	initiated := Answer{Record: RecordInitiated}
	if f, ok := c.fault(KindNever); ok && f.hits(b, i) {
		return initiated
	}
	if !b.final(i, now) {
		return initiated
	}
	if f, ok := c.fault(KindRegress); ok && b.wasShown(i) && f.hits(b, i) && (b.reads+i)%3 == 0 {
		c.regressions++
		return initiated
	}
	b.show(i)
	return b.Answers.For(b.plates[i], b.Seed)
}
