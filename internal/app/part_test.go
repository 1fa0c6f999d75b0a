package app_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// TestOneOperatorThatIsDownHoldsUpNoOther: rows for two operators lie mixed in
// one list. What is for the one that answers is looked up while the other is
// down; that costs five rows and one for each probe, and goes on by itself.
func TestOneOperatorThatIsDownHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const each = 60
	u := standIn(t, sim.Options{Seed: 7, Faults: []sim.Fault{{Name: "down", Kind: "503", Where: "fetch", Prefix: "DL"}}})
	d := aopayDesk(t, u)
	var b strings.Builder
	b.WriteString("plate,operator\n")
	for i := range each {
		fmt.Fprintf(&b, "DL01AA%04d,311\nKA01AA%04d,999\n", i, i)
	}
	if err := os.WriteFile(d.path("in.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ro := askAOPay(d.runOptions(d.path("in.csv"), "out.csv"))
	waited := ""
	ro.Progress = func(p app.Progress) {
		settled := p.Counts[store.Found] + p.Counts[store.Failed] + p.Counts[store.NotFound]
		if settled == each && p.Waiting != "" {
			waited = p.Waiting
			u.ClearFaults("down")
		}
	}
	_, code := d.run(t.Context(), ro)
	if code != app.ExitPartial {
		t.Errorf("exit %d, want %d: some rows are unknown", code, app.ExitPartial)
	}
	if !strings.HasPrefix(waited, "aopay/fetch/311: ") {
		t.Errorf("the run waited for %q, want aopay/fetch/311", waited)
	}
	by, lost := map[string]int{}, 0
	for _, r := range d.out("out.csv") {
		by[r["status"]]++
		if r["status"] == "unknown" {
			lost++
			if !strings.HasPrefix(r["plate"], "DL") {
				t.Errorf("row %s, for the operator that answers, is unknown", r["row"])
			}
		}
	}
	// Up to the concurrency more may have been on their way when it closed.
	if lost < 5 || lost > 5+8+4 {
		t.Errorf("%d rows are unknown, want those of a run, of its burst and of some probes", lost)
	}
	t.Logf("%v; waited for %s", by, waited)
	d.check()
}
