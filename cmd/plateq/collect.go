package main

import "runtime/debug"

// How many per cent the heap grows by before garbage is collected. What is
// alive is small beside what passes through, and most passes through a worker:
// its larger share costs some 60 MB and gives 3 % more look-ups a second where
// the processor is the limit.
const (
	usually       = 100 // of Go, where GOGC is not set
	collectAt     = 200
	collectWorker = 400
)

// collectSeldom has garbage collected at percent, if it was at from until now:
// where it was not, GOGC has said otherwise and holds.
func collectSeldom(percent, from int) {
	if was := debug.SetGCPercent(percent); was != from {
		debug.SetGCPercent(was)
	}
}
