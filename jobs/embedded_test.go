package jobs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheEmbeddedRedisRemembersThePace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pace.json")
	limits := aDay(100)
	limits.Rate = 0
	var learntBefore Pace
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, redis: OpenEmbedded(), up: fifty()}
			if err := w.redis.Remember(path); err != nil {
				t.Fatal(err)
			}
			p, err := ReadPace(t.Context(), w.redis, acme, limits)
			if err != nil || p != learntBefore && learntBefore.Rate > 0 {
				t.Errorf("remembered %+v, %v; want %+v", p, err, learntBefore)
			}
			for _, key := range w.redis.Keys(t.Context(), "*").Val() {
				if !strings.Contains(key, "pace") && !strings.HasSuffix(key, "day") {
					t.Errorf("%s was kept, too", key)
				}
			}
			ps := w.join(1, limits)
			w.work(ps, 20, lan)
			time.Sleep(20 * time.Second)
			ps[0].end(w)
			if learntBefore, err = ReadPace(t.Context(), w.redis, acme, limits); err != nil || learntBefore.Rate < 2 || learntBefore.Used == 0 {
				t.Errorf("learnt %+v, %v", learntBefore, err)
			}
			if err := w.redis.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPaceThatCannotBeReadIsFoundOutAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pace.json")
	if err := os.WriteFile(path, []byte(`{"plateq:`), 0o600); err != nil {
		t.Fatal(err)
	}
	e := OpenEmbedded()
	if err := e.Remember(path); err == nil {
		t.Error("half a file was read")
	}
	if err := e.Set(t.Context(), "x", "1", 0).Err(); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if body, err := os.ReadFile(path); err != nil || string(body) != "{}" {
		t.Errorf("the file holds %q, %v; want that nothing is known", body, err)
	}
}
