package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/store"
)

// What a spool holds, and since when, is told by whoever opens it next too.
func TestSpoolTellsWhatItHolds(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	now := time.Date(2031, 5, 6, 7, 0, 0, 0, time.UTC)
	p := openSpool(t, dir, s)
	p.TellTime(func() time.Time { return now })
	const capacity = smallSpool - 2*4096
	told := func(answers int, oldest time.Time) (bytes int64) {
		t.Helper()
		got := p.Use()
		want := store.SpoolUse{Answers: answers, Bytes: got.Bytes, Capacity: capacity, Oldest: oldest}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if (answers > 0) != (got.Bytes > 0) {
			t.Errorf("%d answers take %d bytes", answers, got.Bytes)
		}
		return got.Bytes
	}
	told(0, time.Time{})
	first := now
	put(t, p, 0, 1)
	one := told(1, first)
	now = now.Add(time.Minute)
	put(t, p, 1, 2)
	if two := told(2, first); two <= one {
		t.Errorf("two answers take %d bytes, one took %d", two, one)
	}
	p.Close()
	p = openSpool(t, dir, s)
	told(2, first)
	done := 0
	if _, err := p.Drain(t.Context(), func(store.Spooled) error {
		if done++; done > 1 {
			return store.ErrAway
		}
		return nil
	}); err == nil {
		t.Fatal("all was drained")
	}
	told(1, now)
	drained(t, p, 1, 2)
	told(0, time.Time{})
}
