package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// DamagedProbe lets a probe take an ask that cannot be read. It was not sent,
// so that the next claim is the probe, and no request is told of. exec runs a
// statement on the tables of s, which is new.
func DamagedProbe(t *testing.T, s store.Store, exec func(statement string)) {
	t.Helper()
	no := List(t, s, 2)
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	exec(fmt.Sprintf("DELETE FROM asks WHERE id = %d", refs[0].ID))
	closing := store.GateClose{Scope: wide, Class: providers.Unavailable, Until: time.Now().Add(-time.Second), Probe: true}
	if _, err := s.SetGates(t.Context(), store.GateChanges{Close: []store.GateClose{closing}}); err != nil {
		t.Fatal(err)
	}
	r := store.ClaimRequest{Chunk: refs[0].ID, Owner: worker, Scopes: []string{wide}, Lookups: true, Expires: time.Now().Add(time.Hour)}
	if c, err := s.Claim(t.Context(), r); err == nil {
		t.Fatalf("the claim gave %d asks", len(c.Asks))
	}
	totals, err := s.Totals(t.Context(), no)
	if err != nil || totals.Calls != 0 {
		t.Errorf("%d requests are told of, %v, and none was made", totals.Calls, err)
	}
	if c, err := s.Claim(t.Context(), r); err != nil || !c.Probe || len(c.Asks) != 1 {
		t.Errorf("the next claim has %d asks and is a probe: %t, %v", len(c.Asks), c.Probe, err)
	}
}
