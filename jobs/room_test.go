package jobs_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

func TestRoomTellsAFullRedisFromOneThatIsAway(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c, now := srv.Client(), time.Now()
	room := jobs.NewRoom(c, func() time.Time { return now })
	limit := func(value string) {
		if err := c.ConfigSet(t.Context(), "maxmemory", value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, full bool) {
		t.Helper()
		if got := room.Full(t.Context(), "acme"); got != full {
			t.Errorf("%s: full %t, want %t", when, got, full)
		}
	}
	expect("at first", false)
	limit("1")
	expect("within a second of it", false)
	now = now.Add(time.Second)
	expect("without memory", true)
	limit("0")
	expect("within a second of that", true)
	now = now.Add(time.Second)
	expect("with memory again", false)
	srv.Freeze()
	now = now.Add(time.Second)
	expect("frozen", false)
	srv.Thaw()
	srv.Kill()
	now = now.Add(time.Second)
	expect("gone", false)
}
