package store

import (
	"slices"
	"strings"
	"time"
)

// Count is how much there was of something at a provider, in the minute or
// hour that begins at At.
type Count struct {
	Provider string
	At       time.Time
	Measure  Measure
	N        int64
}

// Measure names what is counted. Values are stored.
type Measure string

// What is counted of a provider. Answers are counted as the store accepted
// them, requests as they came back, those for polls among them.
const (
	MeasureFound    Measure = "found"
	MeasureNotFound Measure = "not_found"
	MeasureFailed   Measure = "failed"
	MeasureUnknown  Measure = "unknown"
	MeasureRequests Measure = "requests"
)

const (
	measureError = "error/"
	measureTook  = "took/"
	measureSpent = "spent/"
)

// ErrorMeasure counts requests that brought an error of a class.
func ErrorMeasure(class string) Measure { return Measure(measureError + class) }

// SpentMeasure adds up what answers cost, in millionths of a currency.
func SpentMeasure(currency string) Measure { return Measure(measureSpent + currency) }

// Class returns the class whose errors are counted.
func (m Measure) Class() (string, bool) { return strings.CutPrefix(string(m), measureError) }

// Currency returns the currency of what is added up.
func (m Measure) Currency() (string, bool) { return strings.CutPrefix(string(m), measureSpent) }

// tookBounds are the upper bounds of the classes of durations that are told
// apart. They are stored: a new bound makes new classes beside the old ones.
var tookBounds = []time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 350 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond,
	time.Second, 1500 * time.Millisecond, 2 * time.Second, 3 * time.Second, 5 * time.Second, 7500 * time.Millisecond,
	10 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
}

// TookMeasure counts requests that took about so long.
func TookMeasure(d time.Duration) Measure {
	i, _ := slices.BinarySearch(tookBounds, d)
	return Measure(measureTook + tookBounds[min(i, len(tookBounds)-1)].String())
}

// Took returns the upper bound of the durations that are counted.
func (m Measure) Took() (time.Duration, bool) {
	text, ok := strings.CutPrefix(string(m), measureTook)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// Span is for how long one count stands. Values are stored.
type Span int

// The spans for which is counted.
const (
	Minutes Span = iota + 1
	Hours
)

// Spans lists them.
func Spans() []Span { return []Span{Minutes, Hours} }

// Length is how long a span is.
func (s Span) Length() time.Duration {
	if s == Minutes {
		return time.Minute
	}
	return time.Hour
}

// Life is how long counts of the span are kept.
func (s Span) Life() time.Duration {
	if s == Minutes {
		return 3 * time.Hour
	}
	return 32 * 24 * time.Hour
}

// SeriesFilter chooses counts.
type SeriesFilter struct {
	Span     Span
	Provider string    // empty: of all
	From     time.Time // the span that this time is in, and those after it
}

// SumCounts sums up counts of one span, in an order in which all writers lock
// them. Those that are zero are left out.
func SumCounts(all []Count, s Span) []Count {
	type key struct {
		provider string
		at       int64
		measure  Measure
	}
	sums := map[key]int64{}
	for _, c := range all {
		sums[key{c.Provider, c.At.Truncate(s.Length()).UnixMilli(), c.Measure}] += c.N
	}
	list := make([]Count, 0, len(sums))
	for k, n := range sums {
		if n != 0 {
			list = append(list, Count{k.provider, time.UnixMilli(k.at).UTC(), k.measure, n})
		}
	}
	slices.SortFunc(list, Count.compare)
	return list
}

func (c Count) compare(d Count) int {
	if n := strings.Compare(c.Provider, d.Provider); n != 0 {
		return n
	}
	if n := c.At.Compare(d.At); n != 0 {
		return n
	}
	return strings.Compare(string(c.Measure), string(d.Measure))
}
