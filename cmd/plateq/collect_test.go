package main

import (
	"runtime/debug"
	"testing"
)

func TestGarbageIsCollectedAsGOGCSays(t *testing.T) {
	tests := map[string]struct{ set, base, worker int }{
		"not set": {set: usually, base: collectAt, worker: collectWorker},
		"set":     {set: 50, base: 50, worker: 50},
		"off":     {set: -1, base: -1, worker: -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			had := debug.SetGCPercent(test.set)
			defer debug.SetGCPercent(had)
			for _, step := range []struct{ at, from, want int }{{collectAt, usually, test.base}, {collectWorker, collectAt, test.worker}} {
				collectSeldom(step.at, step.from)
				got := debug.SetGCPercent(test.set)
				debug.SetGCPercent(got)
				if got != step.want {
					t.Errorf("collected at %d, want %d", got, step.want)
				}
			}
		})
	}
}
