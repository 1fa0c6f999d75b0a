package main

import (
	"strings"
	"testing"
	"time"
)

func runs(rows int, seconds ...float64) []result {
	var all []result
	for _, s := range seconds {
		all = append(all, result{done: rows, took: time.Duration(s * float64(time.Second))})
	}
	return all
}

// TestRatiosAreOfTheSameRound: a bad minute that both had in common changes
// nothing, and a contender that did a part of the list is held against it by
// its rate.
func TestRatiosAreOfTheSameRound(t *testing.T) {
	t.Parallel()
	base, slower := runs(1000, 1, 2, 10), runs(500, 1, 2, 10)
	if got := ratio(slower, base, result.rate); got != 0.5 {
		t.Errorf("got %v, want 0.5", got)
	}
	if got := ratio(nil, base, result.rate); got != 0 {
		t.Errorf("without runs: got %v, want 0", got)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}} {
		if got := middle(c.of); got != c.want {
			t.Errorf("%v: got %v, want %v", c.of, got, c.want)
		}
	}
}

func TestNumbersAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(f); got != want {
			t.Errorf("%v: got %s, want %s", f, got, want)
		}
	}
}

// TestAimsThatWereNotMeasuredAreNotShown, and those that were are met or not.
func TestAimsThatWereNotMeasuredAreNotShown(t *testing.T) {
	t.Parallel()
	var a aims
	a.single(results{"plateq": runs(1000, 2), loop: runs(1000, 1)})
	a.growth(results{})
	const want = "| aim | wanted | reached | met |\n|---|---|---|---|\n" +
		"| single look-ups, 0 ms: speed, of the loop with COPY | at least 0.70 | 0.50 | **no** |\n"
	if got := a.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestThePromiseIsComparedWhereAllHaveRun(t *testing.T) {
	t.Parallel()
	at := func(rate int) []result { return []result{{done: rate, took: time.Second}} }
	all := results{"plateq": at(40), loop: at(100), "loop-sealed": at(50), "copy": at(100)}
	var p promise
	p.add("look-ups", contest{}, all)
	p.add("intake", contest{task: task{intakeOnly: true}}, all)
	want := "| look-ups | 0.50 | 0.40 | 0.80 |\n"
	if got := p.String(); !strings.HasSuffix(got, want) || strings.Contains(got, "intake") {
		t.Errorf("got %q, want one row %q", got, want)
	}
}
