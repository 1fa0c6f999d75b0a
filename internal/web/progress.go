package web

import (
	"time"

	"github.com/plateq/plateq/client"
)

// progress is how far a batch is.
type progress struct {
	Segments []segment
	Settled  int
	Percent  int
	// Rate is rows settled a second lately, Left how long the rest takes if it
	// goes on so; 0: nobody knows. Long: more than that.
	Rate float64
	Left time.Duration
	Long bool
}

// longest is the most that Left may say: who has just begun, or stood still,
// knows nothing of a time as long as that.
const longest = 365 * 24 * time.Hour

// segment is the part of a bar that one status has.
type segment struct {
	Status client.Status
	Rows   int
	// From and Width are thousandths of the bar.
	From, Width float64
}

// barWidth is what the parts of a bar come to.
const barWidth = 1000

// barOrder is the order of statuses in a bar: what is settled comes from the
// left.
var barOrder = []client.Status{
	client.RowFound, client.RowNotFound, client.RowFailed, client.RowUnknown, client.RowInvalid,
	client.RowCancelled, client.RowWaiting, client.RowSending, client.RowQueued,
}

// progressOf says how far a batch is that goes at rate rows a second; 0: nobody
// knows how fast.
func progressOf(b client.Batch, rate float64) progress {
	p := progress{Settled: b.Rows - b.Open()}
	from := 0.0
	for _, status := range barOrder {
		n := b.Counts[status]
		if n == 0 || b.Rows == 0 {
			continue
		}
		width := float64(n) / float64(b.Rows) * barWidth
		p.Segments = append(p.Segments, segment{status, n, from, width})
		from += width
	}
	if b.Rows > 0 {
		p.Percent = p.Settled * 100 / b.Rows
	}
	if rate > 0 {
		p.Rate = rate
		seconds := float64(b.Open()) / p.Rate
		p.Long = seconds > longest.Seconds()
		p.Left = time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
	}
	return p
}
