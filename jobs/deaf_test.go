package jobs

import (
	"testing"
	"time"
)

func TestAWorkerIsDeafUntilBellsHangAgain(t *testing.T) {
	t.Parallel()
	const soon = deafFor / 2
	e := newEars(nil, nil)
	now := time.Now()
	for i, step := range []struct {
		after    time.Duration
		answered bool
		want     bool // deaf
	}{
		{0, false, false}, // it has never heard anything: nobody knows how many share the pace
		{soon, true, false},
		{0, false, true},
		{deafFor, false, true},
		{0, true, true}, // what was lost is rung for again by and by
		{soon, true, true},
		{deafFor, true, false},
		{deafFor, true, false},
		{0, false, true},
	} {
		now = now.Add(step.after)
		e.note(now, step.answered)
		got := false
		select {
		case <-e.silence():
			got = true
		default:
		}
		if got != step.want {
			t.Errorf("step %d: deaf is %t, want %t", i, got, step.want)
		}
	}
}
