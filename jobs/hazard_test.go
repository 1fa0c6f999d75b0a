package jobs

import (
	"math"
	"testing"
	"time"
)

// TestHazardsAreLearnt: of records that live for a minute on the average, one
// in sixty becomes final in a second, whatever their age.
func TestHazardsAreLearnt(t *testing.T) {
	t.Parallel()
	var h hazards
	open := 100_000.0
	for age := time.Duration(0); age < 3*time.Minute; age += 7 * time.Second {
		left := open * math.Exp(-7.0/60)
		h.learn(0, age, age+7*time.Second, int(open), int(open-left))
		open = left
	}
	for _, age := range []float64{10, 30, 60, 120} {
		if got := 1 / h.at(0, binOf(age)); math.Abs(got-60) > 6 {
			t.Errorf("at %v s: got a life of %.1f s, want 60", age, got)
		}
	}
	// 100 open records: after x seconds 100/60·x²/2 record-seconds have been waited.
	if got := h.wait(0, 30*time.Second, 100, 210, time.Hour).Seconds(); math.Abs(got-17) > 2 {
		t.Errorf("got a wait of %.1f s, want about 17", got)
	}
}

// TestAPartCountsByItselfOnceItIsKnown, and with the others before.
func TestAPartCountsByItselfOnceItIsKnown(t *testing.T) {
	t.Parallel()
	var h hazards
	h.learn(0, 0, time.Minute, 1000, 1000)
	bin := binOf(10)
	if a, b := h.at(0, bin), h.at(3, bin); a != b {
		t.Errorf("got %v and %v, want the same of a part of which nothing is known", a, b)
	}
	h.learn(3, 0, time.Minute, 10_000, 0) // nothing became final in it
	if a, b := h.at(0, bin), h.at(3, bin); b > a/20 {
		t.Errorf("got %v and %v, want the second to be far below", a, b)
	}
}

func TestNothingIsLearntOfNothing(t *testing.T) {
	t.Parallel()
	var h hazards
	h.learn(0, time.Minute, time.Minute, 10, 5)
	h.learn(0, time.Minute, 0, 10, 5)
	h.learn(0, 0, time.Minute, 0, 0)
	if h.news != (cells{}) {
		t.Error("got news, want none")
	}
	if got := h.wait(0, 0, 0, 1, time.Minute); got != time.Minute {
		t.Errorf("got a wait of %v where nothing is open, want the longest", got)
	}
}

// TestHazardsOfOldTickets have bins without an end.
func TestHazardsOfOldTickets(t *testing.T) {
	t.Parallel()
	var h hazards
	const month = 30 * 24 * time.Hour
	h.learn(99, 0, month, 100, 50)
	h.learn(0, month, 2*month, 50, 0)
	if got := h.wait(99, month, 50, 210, 5*time.Minute); got != 5*time.Minute {
		t.Errorf("got a wait of %v, want the longest", got)
	}
}

// TestAProviderThatChangesIsLearntAnew: what is old counts less and less.
func TestAProviderThatChangesIsLearntAnew(t *testing.T) {
	t.Parallel()
	var h hazards
	bin := binOf(10)
	for range 100 {
		h.learn(0, 0, time.Minute, 500, 500)
	}
	fast := h.at(0, bin)
	for range 400 {
		h.learn(0, 0, time.Minute, 500, 100)
	}
	if slow := h.at(0, bin); slow > fast/3 || h.records > maxRecords {
		t.Errorf("got %v after %v, of %d records, want it to follow", slow, fast, h.records)
	}
}
