package store_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/store"
)

// tinySpool holds the few settlements that are put here at a time.
const tinySpool = 24 << 10

// numberOf is what a settlement was told apart by.
func numberOf(s store.Spooled) int {
	if s.Call != nil {
		return int(s.Call.Call)
	}
	return int(s.Ticket.ID)
}

// found opens what a process has left and returns what is in it.
func found(t *testing.T, dir string, s *store.Sealer) (all []int) {
	t.Helper()
	p, err := store.OpenSpoolOn(newBadDisk(0).on(), dir, s, storeID, tinySpool)
	if err != nil {
		t.Errorf("it cannot be opened any more: %v", err)
		return nil
	}
	defer p.Close()
	if _, err := p.Drain(t.Context(), func(s store.Spooled) error {
		if d := cmp.Diff(spooled(numberOf(s)), s); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		all = append(all, numberOf(s))
		return nil
	}); err != nil && !isDamaged(err) {
		t.Errorf("what is in it cannot be read: %v", err)
	}
	return all
}

func isDamaged(err error) bool {
	_, is := errors.AsType[*store.SpoolDamagedError](err)
	return is
}

// Whatever write of a spool fails, and however the process ends then: what Put
// took and the store did not is found by the next one.
func TestSpoolKeepsWhatItTookOnABadDisk(t *testing.T) {
	t.Parallel()
	s := newSealer(t, store.NewKeys())
	for _, damaged := range []bool{false, true} {
		for _, fails := range []int{1, 2, 5, 1 << 20} {
			t.Run(fmt.Sprintf("damaged %t, %d in a row", damaged, fails), func(t *testing.T) {
				t.Parallel()
				for from, done := 1, 1; done >= from; from++ {
					d := newBadDisk(uint64(from))
					done = 0
					onABadDisk(t, s, fmt.Sprintf("%d operations from number %d on", fails, from), d, damaged, func() bool {
						done++
						return done >= from && done < from+fails
					})
				}
			})
		}
	}
	t.Run("some", func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(100) {
			d := newBadDisk(seed)
			onABadDisk(t, s, fmt.Sprintf("operations at random (seed %d)", seed), d, seed%2 == 0, func() bool { return d.rand.IntN(3) == 0 })
		}
	})
}

// onABadDisk uses a spool, which perhaps holds a record that is damaged, on a
// disk of which operations fail, once the spool is open.
func onABadDisk(t *testing.T, s *store.Sealer, what string, d *badDisk, damaged bool, bad func() bool) {
	t.Helper()
	dir := t.TempDir()
	if damaged {
		damage(t, dir, s)
	}
	p, err := store.OpenSpoolOn(d.on(), dir, s, storeID, tinySpool)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	d.bad = bad
	kept, next, told := map[int]bool{}, 3, 0
	put := func() bool {
		err := p.Put(spooled(next))
		if err == nil {
			kept[next] = true
		}
		next++
		return err == nil
	}
	drain := func() {
		_, err := p.Drain(t.Context(), func(s store.Spooled) error { // what fails there is tried again
			delete(kept, numberOf(s))
			return nil
		})
		if isDamaged(err) {
			told++
		}
	}
	holds := func(when string) {
		t.Helper()
		crash := t.TempDir()
		if err := os.CopyFS(crash, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		for how, dir := range map[string]string{"its process was killed": crash, "the power was lost": d.loseThePower(t)} {
			got := found(t, dir, s)
			for n := range kept {
				if !slices.Contains(got, n) {
					t.Fatalf("%s fail; %s %s: found %v of %v", what, when, how, got, kept)
				}
			}
		}
	}
	for range 3 {
		put()
		put()
		holds("after two puts")
		drain()
		drain() // as the next time comes, without anything new
	}
	put()
	holds("in the end")
	d.bad = nil // the disk is well again
	drain()
	if p.Full() || p.Len() != 0 || p.Use().Bytes != 0 || !put() {
		t.Fatalf("%s failed, then none; full: %t, %+v", what, p.Full(), p.Use())
	}
	holds("when all is well")
	if damaged != (told == 1) {
		t.Errorf("%s failed; that a record was damaged (%t) was told %d times", what, damaged, told)
	}
}

// damage leaves a spool with the settlements 0 to 2, of which the second cannot
// be read.
func damage(t *testing.T, dir string, s *store.Sealer) {
	t.Helper()
	p, err := store.OpenSpoolOn(newBadDisk(0).on(), dir, s, storeID, tinySpool)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	put(t, p, 0, 1)
	first := p.Use().Bytes
	put(t, p, 1, 3)
	b := spoolBytes(t, dir)
	b[8192+first+100]++
	writeSpool(t, dir, b)
}
