package main

import (
	"testing"
	"time"
)

func TestARecordCountsByTime(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	r := newRecord()
	for _, at := range []int{150, 0, 100, 50, 1000} { // answers come in any order
		sent := begun.Add(time.Duration(at) * time.Millisecond)
		r.add(request{sent: sent, counted: sent, ended: sent.Add(60 * time.Millisecond), refused: at == 150})
	}
	<-r.begun
	l := r.log()
	first := l.between(0, time.Second)
	if got := len(first); got != 4 {
		t.Errorf("%d requests in the first second, want 4", got)
	}
	if got := first.used(6, time.Second); got != 0.5 {
		t.Errorf("%g of the limit used, want 0.5", got)
	}
	if got := first.refusedShare(); got != 0.25 {
		t.Errorf("%g refused, want 0.25", got)
	}
	if got, want := l.seconds(), "3-1 1"; got != want {
		t.Errorf("by seconds: %q, want %q", got, want)
	}
	if got := l.peak(100 * time.Millisecond); got != 2 {
		t.Errorf("%d within 100 ms, want 2", got)
	}
	if got := l.overlap(); got != 2 {
		t.Errorf("%d at once, want 2", got)
	}
}

func TestCommandsOfTheLimiterAreKnown(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		`1.2 [0 127.0.0.1:1] "evalsha" "ab" "3" "plateq:{attestr}:fleet" "plateq:{attestr}:day" "{}"`: true,
		`1.2 [0 lua] "HGETALL" "plateq:{attestr}:fleet"`:                                              false,
		`1.2 [0 127.0.0.1:1] "evalsha" "cd" "4" "asynq:{attestr}:pending"`:                            false,
		`1.2 [0 127.0.0.1:1] "exists" "plateq:{attestr}:room"`:                                        false,
	} {
		if got := isPace(line); got != want {
			t.Errorf("%s: %t, want %t", line, got, want)
		}
	}
}
