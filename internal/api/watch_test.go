package api

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/plateq/plateq/store"
)

// scene is a batch that a test moves.
type scene struct {
	sight atomic.Pointer[sight]
	err   atomic.Pointer[error]
	looks atomic.Int64
}

func (s *scene) set(id string, state store.BatchState) { s.sight.Store(&sight{id: id, state: state}) }

func (s *scene) look(context.Context, store.BatchNo) (sight, error) {
	s.looks.Add(1)
	if err := s.err.Load(); err != nil {
		return sight{}, *err
	}
	return *s.sight.Load(), nil
}

func TestABatchIsLookedAtOnceForAllWhoWatch(t *testing.T) {
	t.Parallel()
	looks := func(watchers int) (n int64) {
		synctest.Test(t, func(t *testing.T) {
			s := &scene{}
			s.set("1", store.BatchRunning)
			w := newWatching(s.look)
			var all []<-chan sight
			for range watchers {
				ch, leave, ok := w.join(7)
				if !ok {
					t.Fatal("no place")
				}
				defer leave()
				all = append(all, ch)
			}
			for _, id := range []string{"1", "2", "3"} {
				s.set(id, store.BatchRunning)
				for _, ch := range all {
					if got := <-ch; got.id != id {
						t.Errorf("got sight %s, want %s", got.id, id)
					}
				}
			}
			n = s.looks.Load()
		})
		return n
	}
	if one, many := looks(1), looks(200); one != many {
		t.Errorf("%d looks for one who watches, %d for many", one, many)
	}
}

func TestWatchingEndsWithTheBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{}
		s.set("1", store.BatchRunning)
		w := newWatching(s.look)
		ch, leave, _ := w.join(7)
		<-ch
		gone := store.ErrAway
		s.err.Store(&gone) // for a while nothing is seen
		synctest.Wait()
		s.err.Store(nil)
		s.set("2", store.BatchDone)
		if got := <-ch; got.id != "2" {
			t.Errorf("got sight %s", got.id)
		}
		if _, more := <-ch; more {
			t.Error("something came behind the last sight")
		}
		leave()
		leave() // twice is once

		none := errors.Join(store.ErrNoBatch)
		s.err.Store(&none)
		ch, leave, _ = w.join(7)
		defer leave()
		if _, more := <-ch; more {
			t.Error("a batch was seen that is not there")
		}
		synctest.Wait()
		if len(w.batches) != 0 {
			t.Errorf("%d batches are still looked at", len(w.batches))
		}
	})
}

// Who leaves last ends the looking: synctest fails where a goroutine stays.
func TestNobodyWatchesNothingIsLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{}
		s.set("1", store.BatchRunning)
		w := newWatching(s.look)
		var leaves []func()
		for range maxWatchers {
			_, leave, ok := w.join(7)
			if !ok {
				t.Fatal("no place")
			}
			leaves = append(leaves, leave)
		}
		if _, _, ok := w.join(8); ok {
			t.Error("too many watch")
		}
		for _, leave := range leaves {
			leave()
		}
		if len(w.batches) != 0 || w.n != 0 {
			t.Errorf("%d batches, %d who watch; want none", len(w.batches), w.n)
		}
	})
}
