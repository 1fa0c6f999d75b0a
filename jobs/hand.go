package jobs

import (
	"sync"

	"github.com/plateq/plateq/store"
)

// hand is the calls whose outcomes a process has at hand: the store was given
// them and has not said yet that it took them.
type hand struct {
	mu sync.Mutex
	n  map[store.CallID]int // outcomes
}

// take notes that there is one more outcome of a call, until let.
func (h *hand) take(c store.CallID) (let func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n == nil {
		h.n = map[store.CallID]int{}
	}
	h.n[c]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.n[c]--; h.n[c] == 0 {
			delete(h.n, c)
		}
	}
}

func (h *hand) has(c store.CallID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n[c] > 0
}

// Holds reports whether an outcome of the call may be at hand that the store
// has not taken.
func (w *Worker) Holds(c store.CallID) bool {
	return w.keeper.hand.has(c) || w.keeper.spool.Has(c)
}
