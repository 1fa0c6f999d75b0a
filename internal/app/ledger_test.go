package app_test

import (
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// books returns what the ledger sums up for a provider, and what the stand-in
// has charged there.
func (d *desk) books(u upstream, provider string) (ours store.LedgerTotal, theirs int) {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer a.Close()
	totals, err := a.Store().LedgerTotals(d.t.Context(), store.LedgerFilter{Provider: provider}, store.ByProvider)
	if err != nil || len(totals) != 1 {
		d.t.Fatalf("ledger of %s: %+v, %v", provider, totals, err)
	}
	for _, c := range u.Ledger() {
		if c.Provider == provider {
			theirs += c.Charged
		}
	}
	return totals[0], theirs
}

// TestTheLedgerIsThatOfTheProvider: our books say what the stand-in charged,
// though it charges by different rules: Attestr for all that it accepts,
// REGNUM for what it decodes for the first time.
func TestTheLedgerIsThatOfTheProvider(t *testing.T) {
	t.Parallel()
	t.Run("attestr", func(t *testing.T) {
		t.Parallel()
		u := standIn(t, brisk())
		d := newDesk(t, u, "PLATEQ_ATTESTR_PRICE=0.07", "PLATEQ_ATTESTR_CURRENCY=INR")
		list := append(plates(90), plates(10)...)
		sum, code := d.run(t.Context(), d.runOptions(d.list("in.csv", list), "out.csv"))
		if code != app.ExitOK && code != app.ExitPartial || sum.Spent != "6.30 INR" {
			t.Errorf("exit %d, spent %q, want 6.30 INR", code, sum.Spent)
		}
		ours, theirs := d.books(u, "attestr")
		if ours.Charged != theirs || theirs != 90 || ours.Spent != 6_300_000 || ours.Held != 0 {
			t.Errorf("ledger %+v, the provider charged %d", ours, theirs)
		}
		d.check()
	})
	t.Run("regnum", func(t *testing.T) {
		t.Parallel()
		u := standIn(t, sim.Options{Seed: 5, Answers: sim.DefaultAnswers(), Faults: []sim.Fault{
			{Name: "500", Kind: "500", Where: "lookup", Every: 20}, // nothing was charged
		}})
		d := regnumDesk(t, u, 1<<40, "PLATEQ_REGNUM_PRICE=1.5", "PLATEQ_REGNUM_CURRENCY=EUR")
		list := plates(120)
		for range 2 { // the second time nothing is decoded for the first time
			ro := askRegnum(d.runOptions(d.list("in.csv", list), "out.csv"))
			ro.Fresh = true
			d.run(t.Context(), ro)
			ours, theirs := d.books(u, "regnum")
			if ours.Charged != theirs || theirs == 0 || ours.Spent != store.Money(theirs)*1_500_000 || ours.Held != 0 {
				t.Errorf("ledger %+v, the provider charged %d", ours, theirs)
			}
		}
		d.check()
	})
}
