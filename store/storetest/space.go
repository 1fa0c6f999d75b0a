package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

// Disk is the disk of a store, for a test to fill.
type Disk interface {
	// Fill leaves no more than that many bytes, Free gives all of them back.
	Fill(left int64)
	Free()
	// Left is how many bytes are free.
	Left() int64
}

// FullDisk shows that no call is claimed while the disk of a store has no room
// for what the call would bring, that looking for room takes none, and that
// calls go on when there is some.
func FullDisk(t *testing.T, s store.Store, d Disk) {
	t.Helper()
	const size, chunks = 100, 6
	no := List(t, s, size*chunks)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: size, Limit: chunks})
	if err != nil || len(refs) != chunks {
		t.Fatalf("offer: %d chunks, %v", len(refs), err)
	}
	answered := answerChunk(t, s, refs[0])
	for _, left := range []int64{0, 16 << 10} {
		d.Fill(left)
		before := d.Left()
		for _, ref := range refs[1:] {
			c, err := s.Claim(t.Context(), store.ClaimRequest{Chunk: ref.ID, Owner: "w", Expires: time.Now().Add(time.Hour)})
			if !errors.Is(err, store.ErrFull) || len(c.Asks) > 0 {
				t.Errorf("with %d bytes left: a claim gave %d asks, %v, want %v", before, len(c.Asks), err, store.ErrFull)
			}
		}
		if after := d.Left(); after < before {
			t.Errorf("%d bytes were left and are %d: claims took them that came to nothing", before, after)
		}
		d.Free()
	}
	if totals, err := s.Totals(t.Context(), no); err != nil || totals.Calls != 1 {
		t.Errorf("%d calls are recorded, %v, want 1", totals.Calls, err)
	}
	for _, ref := range refs[1:] {
		answered += answerChunk(t, s, ref)
	}
	if answered != size*chunks {
		t.Errorf("%d asks were answered, want %d", answered, size*chunks)
	}
	if got := Problems(t, s); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
}
