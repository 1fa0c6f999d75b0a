package jobs

import (
	"testing"
	"time"
)

func TestTheWindowStandsForTwoSecondsOfWork(t *testing.T) {
	t.Parallel()
	const base = 8
	type look struct {
		after time.Duration // since the one before
		done  int           // chunks that were worked off in that time
		want  int           // chunks of the window
	}
	const q = reckonEvery
	for _, tc := range []struct {
		name  string
		looks []look
	}{
		{"nothing is worked off", []look{{0, 0, base}, {q, 0, base}, {time.Hour, 0, base}}},
		{"slow work", []look{{0, 0, base}, {time.Second, 1, base}, {time.Second, 3, base}}},
		{"20 chunks a second", []look{{0, 0, base}, {q, 5, 16}, {q, 5, 32}, {q, 5, 40}, {q, 5, 40}}},
		{"looks that come sooner than it is reckoned", []look{{0, 0, base}, {q / 5, 1, base}, {q / 5, 2, base}, {q, 0, 16}}},
		{"more than may be", []look{{0, 0, base}, {q, 8, 16}, {q, 16, 32}, {q, 32, maxWindow}, {q, 64, maxWindow}}},
		{"slow chunks that end together", []look{{0, 0, base}, {time.Minute, 0, base}, {q, 8, 16}, {q, 0, 12}, {q, 0, 9}, {q, 0, base}}},
		{"work that ends", []look{{0, 0, base}, {q, 5, 16}, {q, 5, 32}, {time.Minute, 5, 24}}},
	} {
		var pace turnover
		now := noon
		for i, l := range tc.looks {
			now = now.Add(l.after)
			inRedis := pace.left - l.done
			window := pace.look(now, base, inRedis)
			if window != l.want {
				t.Errorf("%s, look %d: got %d chunks, want %d", tc.name, i, window, l.want)
			}
			pace.filled(window - inRedis)
		}
	}
}

// Where a window has more chunks than any should, it is left as it is.
func TestAWindowOfManyChunksStays(t *testing.T) {
	t.Parallel()
	var pace turnover
	for i := range 10 {
		if got := pace.look(noon.Add(time.Duration(i)*reckonEvery), 2*maxWindow, 0); got != 2*maxWindow {
			t.Fatalf("look %d: got %d chunks, want %d", i, got, 2*maxWindow)
		}
		pace.filled(2 * maxWindow)
	}
}
