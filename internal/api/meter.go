package api

import (
	"sync"
	"time"
)

// meterSize bounds how many a meter remembers.
const meterSize = 10_000

// meter lets each of many come at a rate. It is safe for concurrent use; a nil
// one lets everybody come.
type meter struct {
	rate, burst float64

	mu sync.Mutex
	of map[string]bucket
}

// bucket is what one has left, as it was at a time.
type bucket struct {
	tokens float64
	at     time.Time
}

func newMeter(rate float64, burst int) *meter {
	return &meter{rate: rate, burst: float64(burst), of: map[string]bucket{}}
}

// admit reports whether who may come once more now or, if not, how long to
// wait.
func (m *meter) admit(who string, now time.Time) (wait time.Duration, ok bool) {
	if m == nil {
		return 0, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, known := m.of[who]
	if !known {
		m.makeRoom(now)
		b = bucket{tokens: m.burst, at: now}
	}
	b = m.filled(b, now)
	if ok = b.tokens >= 1; ok {
		b.tokens--
	} else {
		wait = time.Duration((1 - b.tokens) / m.rate * float64(time.Second))
	}
	m.of[who] = b
	return wait, ok
}

func (m *meter) filled(b bucket, now time.Time) bucket {
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens, b.at = min(m.burst, b.tokens+passed.Seconds()*m.rate), now
	}
	return b
}

// makeRoom forgets those who have all their tokens again or, if there are
// none, anyone.
func (m *meter) makeRoom(now time.Time) {
	if len(m.of) < meterSize {
		return
	}
	for who, b := range m.of {
		if m.filled(b, now).tokens >= m.burst {
			delete(m.of, who)
		}
	}
	for who := range m.of {
		if len(m.of) < meterSize {
			return
		}
		delete(m.of, who)
	}
}
