package main

import "fmt"

// aims are what Plateq is to reach, beside what it has reached.
type aims struct{ t markdown }

// add notes an aim if there is something to hold against it. The figure is to
// be at least the bound, or at most if that is negative.
func (a *aims) add(what string, bound, got float64) {
	if got == 0 {
		return
	}
	want, met := fmt.Sprintf("at least %s", short(bound)), got >= bound
	if bound < 0 {
		want, met = fmt.Sprintf("at most %s", short(-bound)), got <= -bound
	}
	word := "**no**"
	if met {
		word = "yes"
	}
	a.t.add(what, want, short(got), word)
}

// short writes a number with as many digits as say something.
func short(f float64) string {
	if f >= 100 {
		return thousands(f)
	}
	return fmt.Sprintf("%.2f", f)
}

// String writes the table.
func (a *aims) String() string {
	a.t.head = []string{"aim", "wanted", "reached", "met"}
	return a.t.String()
}

func speed(all results, who, than string) float64 { return ratio(all[who], all[than], result.rate) }

func (a *aims) single(all results) {
	a.add("single look-ups, 0 ms: speed, of the loop with COPY", 0.7, speed(all, "plateq", loop))
	a.add("the same, times River", 4, speed(all, "plateq", "river"))
	a.add("the same, times asynq", 7, speed(all, "plateq", "asynq"))
	a.add("the same, embedded, of the loop with COPY", 0.5, speed(all, "embedded", loop))
}

func (a *aims) distant(all results) {
	a.add("single look-ups, 20 ms: speed, of the loop with COPY", 0.85, speed(all, "plateq", loop))
}

func (a *aims) batches(all results) {
	a.add("batches: speed, of the loop with COPY", 0.6, speed(all, "plateq", loop))
	a.add("the same, embedded", 0.5, speed(all, "embedded", loop))
}

func (a *aims) intake(all results) {
	a.add("a million rows taken in: speed, of one COPY", 0.5, speed(all, "plateq", "copy"))
	a.add("the same, peak memory in MB", -150, median(all["plateq"], func(r result) float64 { return float64(r.peak) / (1 << 20) }))
	a.add("the same, embedded: rows/s", 100_000, median(all["embedded"], result.rate))
}

func (a *aims) memory(held peaks) {
	if few, many := held.intake[100_000], held.intake[1_000_000]; few > 0 {
		a.add("peak memory of an intake of a million rows, times that of 100,000", -1.2, float64(many)/float64(few))
	}
}

func (a *aims) growth(all results) {
	a.add("CPU a row where the store holds 5 million rows, times that of an empty one", -1.3,
		ratio(all["grown"], all["empty"], per100k(spent.stack)))
}
