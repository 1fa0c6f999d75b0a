package jobs

import (
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
)

// learning are the limits of a provider of which nothing is known.
func learning() Limits { return Limits{Rate: 0, Burst: 1, Concurrency: 64} }

func TestARateThatIsNotToldIsLearnt(t *testing.T) {
	t.Parallel()
	windows := func() *upstream {
		u := newUpstream(50, 50)
		u.windows = true
		return u
	}
	for _, c := range []struct {
		name      string
		up        func() *upstream
		processes int
		over      wire
		used      float64 // at least, after the first minute
	}{
		{"a bucket of 50, one process", fifty, 1, wan, 0.97},
		{"a bucket of 50, four processes", fifty, 4, lan, 0.97},
		{"a bucket of 50, four processes, some way off", fifty, 4, wan, 0.97},
		{"a bucket of 5", func() *upstream { return newUpstream(50, 5) }, 4, lan, 0.9},
		{"fixed windows", windows, 4, lan, 0.95},
		{"five a second", func() *upstream { return newUpstream(5, 5) }, 1, lan, 0.9},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, c.up, func(t *testing.T, w *world) {
				w.work(w.join(c.processes, learning()), 20, c.over)
				time.Sleep(190 * time.Second)
				rate := w.up.rate
				_, first, _ := w.up.between(0, 60, rate)
				if most := max(0.02, 10/(60*rate)); first > most {
					t.Errorf("refused %.4f in the first minute, want %.4f at most", first, most)
				}
				used, refused, _ := w.up.between(60, 190, rate)
				if most := max(0.005, 7/(130*rate)); used < c.used || refused > most {
					t.Errorf("then used %.3f, refused %.4f; want %.2f at least, %.4f at most", used, refused, c.used, most)
				}
			})
		})
	}
}

func TestALearntRateFollowsTheLimit(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		w.work(w.join(4, learning()), 20, lan)
		time.Sleep(70 * time.Second)
		w.up.set(20)
		time.Sleep(60 * time.Second)
		w.up.set(80)
		time.Sleep(60 * time.Second)
		for _, c := range []struct {
			from, to      int
			rate          float64
			used, refused float64
		}{
			{60, 70, 50, 0.97, 0.02},
			{70, 80, 20, 0.9, 0.25},
			{80, 130, 20, 0.9, 0.03},
			{160, 190, 80, 0.8, 0.03},
		} {
			if used, refused, _ := w.up.between(c.from, c.to, c.rate); used < c.used || refused > c.refused {
				t.Errorf("seconds %d to %d: used %.3f of %.0f, refused %.4f; want %.2f at least, %.2f at most",
					c.from, c.to, used, c.rate, refused, c.used, c.refused)
			}
		}
	})
}

func TestALearntRateOutlivesRedis(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(w *world){
		"emptied":             (*world).flush,
		"away and back empty": func(w *world) { w.gone.Store(true); w.flush(); w.leave(10 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, fifty, func(t *testing.T, w *world) {
				w.work(w.join(4, learning()), 20, lan)
				time.Sleep(60 * time.Second)
				fault(w)
				at := int(time.Since(w.up.began) / time.Second)
				time.Sleep(20 * time.Second)
				if used, refused, _ := w.up.between(at+2, at+12, 50); used < 0.8 || refused > 0.02 {
					t.Errorf("used %.3f, refused %.4f right afterwards; want 0.8 at least", used, refused)
				}
			})
		})
	}
}

func TestALearntRateOutlivesTheProcesses(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		first := w.join(1, learning())
		w.work(first, 20, lan)
		time.Sleep(60 * time.Second)
		first[0].rest()
		time.Sleep(time.Hour)
		p, err := ReadPace(t.Context(), w.redis, providers.Spec{Name: "p", Endpoints: providers.Endpoints{Submit: "submit", Poll: "items"}}, learning())
		if err != nil {
			t.Fatal(err)
		}
		if !p.Learnt || p.Limit < 45 || p.Limit > 55 || p.Rate < 40 {
			t.Errorf("remembered %+v, want a limit of about 50", p)
		}
		w.work(w.join(1, learning()), 20, lan)
		at := int(time.Since(w.up.began) / time.Second)
		time.Sleep(10 * time.Second)
		if used, _, _ := w.up.between(at+1, at+9, 50); used < 0.9 {
			t.Errorf("used %.3f of the limit from the start, want 0.9", used)
		}
	})
}

func TestALearntRateDoesNotGrowWhileNobodyAsks(t *testing.T) {
	t.Parallel()
	inWorld(t, fifty, func(t *testing.T, w *world) {
		p := w.join(1, learning())[0]
		w.work([]*process{p}, 1, wire{base: 500 * time.Millisecond}) // two a second is all there is to do
		time.Sleep(2 * time.Minute)
		p.mu.Lock()
		rate := p.link.rate
		p.mu.Unlock()
		if rate > 20 {
			t.Errorf("learnt a rate of %.1f from two requests a second", rate)
		}
	})
}
