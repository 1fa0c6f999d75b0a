package jobs

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// aDay are limits of so many requests a day, that ends at every full hour.
func aDay(n int) Limits {
	return Limits{Rate: 50, Burst: 50, Concurrency: 64, Daily: n, NextReset: func(t time.Time) time.Time {
		return t.Truncate(time.Hour).Add(time.Hour)
	}}
}

// spend makes requests until there are no more, and returns how many there were.
func spend(t *testing.T, p *process) (int, *QuotaError) {
	t.Helper()
	for n := 0; ; n++ {
		permit, err := p.Acquire(t.Context(), Submits)
		if used, ok := errors.AsType[*QuotaError](err); ok {
			return n, used
		}
		if err != nil {
			t.Fatal(err)
		}
		permit.Use()
		permit.Release()
	}
}

func TestTheDaysRequestsAreCountedOverTheFleet(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		time.Sleep(10 * time.Minute)
		ps := w.join(3, aDay(100))
		for range 30 {
			permit := acquire(t, ps[0], Polls)
			permit.Use()
			permit.Release()
		}
		ps[0].die()
		n, used := spend(t, ps[1])
		if want := w.up.began.Add(time.Hour); n != 70 || !used.Until.Equal(want) || used.Scope != "p" {
			t.Errorf("%d requests, then %v; want 70, and new ones at %v", n, used, want)
		}
		w.flush()
		if n, _ := spend(t, ps[1]); n != 0 {
			t.Errorf("%d requests more, since Redis had lost the count", n)
		}
		time.Sleep(time.Hour)
		if n, _ := spend(t, ps[2]); n != 100 {
			t.Errorf("%d requests on the next day, want 100", n)
		}
	})
}

func TestWhatIsReservedAndNotUsedCountsForNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		p := w.join(1, aDay(20))[0]
		for range 15 {
			permit := acquire(t, p, Submits)
			time.Sleep(late + time.Millisecond)
			permit.Release()
			time.Sleep(time.Second)
		}
		if n, _ := spend(t, p); n != 20 {
			t.Errorf("%d requests, want the 20 of the day", n)
		}
	})
}

func TestTheDayIsCountedWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		ps := w.join(2, aDay(100))
		for range 10 {
			for _, p := range ps {
				permit := acquire(t, p, Submits)
				permit.Use()
				permit.Release()
			}
		}
		w.gone.Store(true)
		n, _ := spend(t, ps[0])
		if n < 30 || n > 40 {
			t.Errorf("%d requests alone, want its share of the 80 that were left", n)
		}
		w.gone.Store(false)
		w.flush()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		rest, _ := spend(t, ps[0])
		if other, _ := spend(t, ps[1]); n+rest+other < 75 || n+rest+other > 82 {
			t.Errorf("%d, %d and %d requests, want about the 80 that were left", n, rest, other)
		}
	})
}

func TestADayIsCountedWithoutARate(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		l := aDay(25)
		l.Rate = Unlimited
		if n, _ := spend(t, w.join(1, l)[0]); n != 25 {
			t.Errorf("%d requests, want 25", n)
		}
	})
}
