package jobs

import (
	"math"
)

const (
	// orderProof is how many records must have become final before their order
	// says anything, and orderShare how many of them may be out of order: one
	// in so many. Providers work at several at a time.
	orderProof = 3
	orderShare = 4

	// disorderProof and disorderShare are the same for records that plainly
	// follow no order: the list is not believed to after that, however it looks
	// when only the last of them are open.
	disorderProof = 20
	disorderShare = 2

	// frontRecords is how many records are waited for at the front, where a
	// poll costs DefaultPollPrice.
	frontRecords = 40
	// frontMargin is how many records late a read comes that is to find the
	// last of a part: one that comes too early has to be made again.
	frontMargin = 3
	// frontLot is the share of a part that is a lot to become final between two
	// reads: the front has left it long ago.
	frontLot = 0.9
	// frontStalls: a read at the front that brings less than one in so many of
	// the records it was made for is followed by a look behind it.
	frontStalls = 4
)

// judgeOrder finds out whether the records become final in the order of the
// list, as far as that is known: where a part was read earlier than one behind
// it, what is open in it may be final by now.
func (a *agenda) judgeOrder() {
	final, ahead := 0, 0
	openSince := int64(math.MinInt64) // when the latest read of an open part before this one was
	for i, p := range a.parts {
		final += p.Size - p.Open
		if a.plan.Read[i] <= openSince {
			ahead += p.Size - p.Open
		} else {
			ahead += p.Ahead
		}
		if p.Open > 0 {
			openSince = max(openSince, a.plan.Read[i])
		}
	}
	a.plan.Disorder = a.plan.Disorder || final >= disorderProof && ahead*disorderShare > final
	a.plan.InOrder = !a.plan.Disorder && final >= orderProof && ahead*orderShare <= final
}

// advance plans the next read at the front, after a part was read and brought
// so many. now is in ms.
func (a *agenda) advance(part, news int, now int64) {
	front := a.front()
	if front == len(a.parts) {
		return
	}
	count, end := 0, 0
	for _, p := range a.parts[:front+1] {
		count += p.Size - p.Open
		end += p.Size
	}
	base := end - a.parts[front].Size // what is known of the front
	stalled := false
	if part == front {
		stalled = a.meet(count, now)
		base = count
	}
	switch {
	case part > front:
		return // that is no news of the front
	case part < front && float64(news) >= frontLot*float64(a.parts[part].Size):
		a.plan.Due[front] = now
		return
	case a.plan.Rate <= 0:
		return
	}
	// What is left of the part is divided evenly, and read as often as records
	// of the whole list are due to be.
	step := frontRecords * math.Sqrt(a.p.limits.PollPrice/DefaultPollPrice)
	reads := math.Max(1, math.Floor(float64(end)/step)-math.Floor(float64(base)/step))
	target := float64(base) + float64(end+frontMargin-base)/reads
	at := a.plan.Met + int64(1000*(target-float64(a.plan.Count))/a.plan.Rate)
	a.plan.Due[front] = max(now, a.boundFront(front, at))
	if behind := front + 1; stalled && behind < len(a.parts) {
		a.plan.Due[behind] = max(now, a.plan.Read[behind]+a.p.limits.PollMin.Milliseconds())
	}
}

// boundFront is bound for a part that may never have been read.
func (a *agenda) boundFront(part int, at int64) int64 {
	if a.plan.Read[part] == a.created.UnixMilli() {
		return min(at, a.plan.Read[part]+a.p.limits.PollMax.Milliseconds())
	}
	return a.bound(part, at)
}

// meet takes note that the front was met after so many records, and reports
// whether it moves much slower than was thought.
func (a *agenda) meet(count int, now int64) (stalled bool) {
	seconds := float64(now-a.plan.Met) / 1000
	if seconds <= 0 {
		return false
	}
	came := float64(count - a.plan.Count)
	rate := came / seconds
	stalled = a.plan.Rate > 0 && a.plan.Rate*seconds >= 2*frontStalls && came < a.plan.Rate*seconds/frontStalls
	if a.plan.Rate > 0 {
		rate = (a.plan.Rate + rate) / 2
	}
	a.plan.Rate, a.plan.Count, a.plan.Met = rate, count, now
	return stalled
}
