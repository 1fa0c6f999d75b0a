package jobs

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestTheFleetLearnsTogether: what one process has seen counts in another, and
// in one that starts later.
func TestTheFleetLearnsTogether(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s, bin := newSharing(c, "p"), binOf(30)
		var first, second hazards
		unknown := second.at(2, bin)
		first.learn(2, 0, time.Minute, 10_000, 9000)
		want := first.at(2, bin)
		for _, h := range []*hazards{&first, &second} {
			if err := h.exchange(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if got := second.at(2, bin); got < want*0.999 || got > want*1.001 || want < 1.5*unknown {
			t.Errorf("got %v in the other process, want %v; it was %v before", got, want, unknown)
		}
		if got := first.at(2, bin); got < want*0.999 || got > want*1.001 {
			t.Errorf("got %v in the first process, want it to count once: %v", got, want)
		}
		if first.records != 0 || first.news.fields() != nil {
			t.Errorf("got news %v of %d records left, want none", first.news.fields(), first.records)
		}
	})
}

// TestTheFleetForgets: beyond so many records all that is known counts half.
func TestTheFleetForgets(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c redis.UniversalClient) {
		s := newSharing(c, "p")
		for range 10 {
			var h hazards
			h.learn(0, 0, time.Minute, maxRecords/2, maxRecords/2)
			if err := h.exchange(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := c.HGetAll(t.Context(), s.key).Result()
		if err != nil {
			t.Fatal(err)
		}
		events := 0.0
		for bin, w := range readCells([]string{"e8:0", kept["e8:0"], "e8:9", kept["e8:9"]})[pooled] {
			if bin == 0 || bin == 9 {
				events += w.events
			}
		}
		n, err := strconv.ParseFloat(kept["n"], 64)
		if err != nil || n > maxRecords || n < maxRecords/4 || events == 0 || events > n {
			t.Errorf("got %v records, %v of them in two bins, %v; want no more than %d", n, events, err, maxRecords)
		}
		if ttl := c.TTL(t.Context(), s.key).Val(); ttl <= 0 || ttl > keepPace {
			t.Errorf("got it kept for %v, want up to %v", ttl, keepPace)
		}
	})
}

// TestNewsAreKeptWhileRedisIsAway, and no more than asked for now and then.
func TestNewsAreKeptWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	var h hazards
	h.learn(0, 0, time.Minute, 1000, 900)
	want := h.at(0, binOf(30))
	if err := h.share(t.Context(), newSharing(c, "p"), noon); err == nil {
		t.Error("got no error of a Redis that is away")
	}
	if err := h.share(t.Context(), newSharing(c, "p"), noon.Add(shareEvery-1)); err != nil {
		t.Errorf("got %v, want Redis not to be asked again at once", err)
	}
	if got := h.at(0, binOf(30)); got != want || h.records != 900 {
		t.Errorf("got %v, %d records, want what was learnt to stay", got, h.records)
	}
}

// TestTheEmbeddedRedisRemembersRecords over a restart.
func TestTheEmbeddedRedisRemembersRecords(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pace.json")
	var before, after hazards
	before.learn(1, 0, time.Minute, 1000, 900)
	want := before.at(1, binOf(30))
	for _, h := range []*hazards{&before, &after} {
		e := OpenEmbedded()
		if err := e.Remember(path); err != nil {
			t.Fatal(err)
		}
		if err := h.exchange(t.Context(), newSharing(e, "p")); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := after.at(1, binOf(30)); got < want*0.999 || got > want*1.001 {
		t.Errorf("got %v after the restart, want %v", got, want)
	}
}

func FuzzReadCells(f *testing.F) {
	f.Add("e0:1", "2.5")
	f.Add("x8:63", "1e300")
	f.Add("", "")
	f.Add("e-1:0", "NaN")
	f.Fuzz(func(t *testing.T, field, value string) {
		c := readCells([]string{field, value, "odd"})
		for _, v := range c.fields() {
			if v, number := v.(float64); number && !(v > 0 && v <= maxSum) {
				t.Errorf("got %v of %q %q", v, field, value)
			}
		}
	})
}
