// Package storetest holds the rules that every store keeps, as tests with
// names that can be read aloud. A database that passes them may stand under
// the product.
//
// A store's own test is short:
//
//	func TestRules(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Open {
//			dir := t.TempDir()
//			return func(o storetest.Options) (store.Store, error) { … }
//		})
//	}
//
// Each rule has a store and a clock of its own and runs beside the others.
// Only the rule moves its clock: nothing here sleeps. When a rule has told its
// story the books are held against each other, whatever the rule was about.
//
// What each rule is good for is shown by testdata/mutants: faults in the store,
// at least one for every rule, that the rule notices.
package storetest

import (
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

// Options are what a rule decides about the store that it opens.
type Options struct {
	// Now is the only clock that the store may read.
	Now       func() time.Time
	Keys      store.Keys
	Simulated bool
	Region    string
	// Retention is how long lists are kept that say nothing of it.
	Retention time.Duration
}

// Open opens the store of one place. The first call finds the place empty;
// a call after Close finds what was kept. A rule never has a place open twice.
// The rule closes what it opens.
type Open func(o Options) (store.Store, error)

// Traits are the ways in which stores differ.
type Traits struct {
	// IntakeLife is how long after its last piece an intake whose owner died is
	// taken for alive; 0: the store knows it as soon as it is opened again.
	IntakeLife time.Duration
}

// Run holds a store against every rule. place makes an empty place for one
// rule and may register its removal with t.Cleanup.
func Run(t *testing.T, place func(t *testing.T) Open) {
	t.Helper()
	RunWith(t, Traits{}, place)
}

// RunWith is Run for a store with traits.
func RunWith(t *testing.T, traits Traits, place func(t *testing.T) Open) {
	t.Helper()
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range s.rules {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, traits, place(t))
					r.holds(w)
					w.booksBalance()
				})
			}
		})
	}
}

// Rules lists the rules by name, as "subject: rule", in the order in which
// Run starts them.
func Rules() []string {
	var names []string
	for _, s := range subjects() {
		for _, r := range s.rules {
			names = append(names, s.name+": "+r.name)
		}
	}
	return names
}

// rule is one sentence about stores and the story that shows it.
type rule struct {
	name  string
	holds func(w *world)
}

type subject struct {
	name  string
	rules []rule
}

func subjects() []subject {
	return []subject{
		{"intake", intakeRules},
		{"identity", identityRules},
		{"sharing", sharingRules},
		{"reuse", reuseRules},
		{"estimate", estimateRules},
		{"offer", offerRules},
		{"claim", claimRules},
		{"settle", settleRules},
		{"ledger", ledgerRules},
		{"budget", budgetRules},
		{"hold", holdRules},
		{"states", stateRules},
		{"ticket", ticketRules},
		{"lease", leaseRules},
		{"late", lateRules},
		{"hint", hintRules},
		{"orphan", orphanRules},
		{"gate", gateRules},
		{"probe", probeRules},
		{"service", serviceRules},
		{"batch", batchRules},
		{"cancel", cancelRules},
		{"rows", rowRules},
		{"readings", readingRules},
		{"backlog", backlogRules},
		{"retry", retryRules},
		{"unknown", unknownRules},
		{"adopt", adoptRules},
		{"dead calls", deadRules},
		{"books", bookRules},
		{"schedule", scheduleRules},
		{"history", historyRules},
		{"series", seriesRules},
		{"key", keyRules},
		{"outbox", outboxRules},
		{"delivery", deliveryRules},
		{"once", onceRules},
		{"audit log", trailRules},
		{"sealing keys", resealRules},
		{"destroyed keys", destroyRules},
		{"erasure", eraseRules},
		{"suppression", suppressRules},
		{"retention", retentionRules},
		{"concurrency", concurrencyRules},
	}
}
