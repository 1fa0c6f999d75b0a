package chaos_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/chaos"
)

// balanced are books of four rows in which everything is as it must be: one is
// found, one is not, one failed at the provider, and one is unknown.
func balanced() chaos.Books {
	return chaos.Books{
		List: []string{"A1", "B2", "C3", "D4"},
		Rows: []chaos.Row{
			{N: 1, Plate: "A1", Status: "found", Contact: "91"},
			{N: 2, Plate: "B2", Status: "not_found"},
			{N: 3, Plate: "C3", Status: "failed", Class: "provider_error"},
			{N: 4, Plate: "D4", Status: "unknown"},
		},
		Counts: map[string]int{"found": 1, "not_found": 1, "failed": 1, "unknown": 1, "queued": 0},
		Charges: []chaos.Charge{
			{Call: "1", Plates: []string{"A1", "B2"}, Charged: 2},
			{Call: "2", Plates: []string{"C3", "D4"}, Charged: 2},
		},
		Requests: 2, Needed: 2,
		Answer: func(plate string) chaos.Answer {
			return map[string]chaos.Answer{"A1": {"found", "91"}, "B2": {Status: "not_found"}, "C3": {Status: "failed"}, "D4": {"found", "94"}}[plate]
		},
		Events: []chaos.Event{{ID: "m1", Change: "done"}, {ID: "m1", Change: "done"}},
	}
}

func TestBooksThatBalance(t *testing.T) {
	t.Parallel()
	got, findings := balanced().Check()
	if len(findings) > 0 {
		t.Error(chaos.Text(findings))
	}
	if diff := cmp.Diff(chaos.Figures{Unknown: 1, AtRisk: 1}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBooksThatAreBroken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		damage func(*chaos.Books)
		want   []chaos.Invariant
		cost   chaos.Figures
	}{
		{"a tally that counts a row too few", func(b *chaos.Books) { b.Counts["found"] = 0 },
			[]chaos.Invariant{chaos.Balance}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"a tally that counts under another status", func(b *chaos.Books) { b.Counts["found"], b.Counts["failed"] = 0, 2 },
			[]chaos.Invariant{chaos.Balance}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"a store that finds fault with itself", func(b *chaos.Books) { b.Problems = []string{"a chunk has no row"} },
			[]chaos.Invariant{chaos.Balance}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"a row that is gone", func(b *chaos.Books) { b.Rows, b.Counts["unknown"] = b.Rows[:3], 0 },
			[]chaos.Invariant{chaos.Balance, chaos.Kept}, chaos.Figures{Lost: 1}},
		{"a row that never ends", func(b *chaos.Books) {
			b.Rows[3].Status = "waiting"
			b.Counts["unknown"], b.Counts["waiting"] = 0, 1
		}, []chaos.Invariant{chaos.Kept}, chaos.Figures{Lost: 1}},
		{"rows in another order", func(b *chaos.Books) { b.Rows[0], b.Rows[1] = b.Rows[1], b.Rows[0] },
			[]chaos.Invariant{chaos.Kept}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"a row with another's plate", func(b *chaos.Books) { b.Rows[0].Plate = "B2" },
			[]chaos.Invariant{chaos.Kept}, chaos.Figures{Unknown: 1, AtRisk: 1, Lost: 1}},
		{"a row that is out twice", func(b *chaos.Books) {
			b.Rows = append(b.Rows, b.Rows[3])
			b.Counts["unknown"] = 2
		}, []chaos.Invariant{chaos.Balance, chaos.Single}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"a plate that was charged twice", func(b *chaos.Books) { b.Charges = append(b.Charges, b.Charges[0]) },
			[]chaos.Invariant{chaos.Once}, chaos.Figures{Unknown: 1, AtRisk: 1, PaidTwice: 2}},
		{"a plate that nobody asked about", func(b *chaos.Books) {
			b.Charges = append(b.Charges, chaos.Charge{Call: "3", Plates: []string{"E5"}, Charged: 1})
		}, []chaos.Invariant{chaos.Once}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"an answer that is another's", func(b *chaos.Books) { b.Rows[0].Contact = "94" },
			[]chaos.Invariant{chaos.Stored}, chaos.Figures{Unknown: 1, AtRisk: 1, NotStored: 1}},
		{"an answer that nobody gave", func(b *chaos.Books) { b.Charges = b.Charges[1:] },
			[]chaos.Invariant{chaos.Stored}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"a charge that is called a failure", func(b *chaos.Books) {
			b.Rows[3].Status, b.Rows[3].Class = "failed", "unavailable"
			b.Counts["unknown"], b.Counts["failed"] = 0, 2
		}, []chaos.Invariant{chaos.Honest}, chaos.Figures{NotStored: 1}},
		{"a change that is told of twice", func(b *chaos.Books) { b.Events[1].ID = "m2" },
			[]chaos.Invariant{chaos.Single}, chaos.Figures{Unknown: 1, AtRisk: 1}},
		{"a plate in a log", func(b *chaos.Books) { b.Leaks = []string{"worker-1.log"} },
			[]chaos.Invariant{chaos.Private}, chaos.Figures{Unknown: 1, AtRisk: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := balanced()
			tt.damage(&b)
			got, findings := b.Check()
			var of []chaos.Invariant
			for _, f := range findings {
				if len(of) == 0 || of[len(of)-1] != f.Of {
					of = append(of, f.Of)
				}
			}
			if diff := cmp.Diff(tt.want, of); diff != "" {
				t.Errorf("invariants that do not hold: %s\n%s", diff, chaos.Text(findings))
			}
			if diff := cmp.Diff(tt.cost, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatSomebodyAskedForTwiceMayBePaidTwice(t *testing.T) {
	t.Parallel()
	b := balanced()
	b.Charges, b.Again = append(b.Charges, b.Charges[0]), map[string]int{"A1": 1, "B2": 1}
	if got, findings := b.Check(); got.PaidTwice != 0 || len(findings) > 0 {
		t.Errorf("got %d, %s", got.PaidTwice, chaos.Text(findings))
	}
}

func TestInvalidRowsAreNobodysBusiness(t *testing.T) {
	t.Parallel()
	b := balanced()
	b.List[3], b.Rows[3] = "?", chaos.Row{N: 4, Status: "invalid"}
	b.Counts, b.Charges[1].Plates = map[string]int{"found": 1, "not_found": 1, "failed": 1, "invalid": 1}, []string{"C3"}
	b.Invalid = func(plate string) bool { return plate == "?" }
	if _, findings := b.Check(); len(findings) > 0 {
		t.Error(chaos.Text(findings))
	}
	b.Rows[3].Status, b.Counts = "found", map[string]int{"found": 2, "not_found": 1, "failed": 1}
	if _, findings := b.Check(); len(findings) != 1 || findings[0].Of != chaos.Stored {
		t.Errorf("got %v, want that an answer was made up", findings)
	}
}

func TestReadCharges(t *testing.T) {
	t.Parallel()
	got, err := chaos.ReadCharges(strings.NewReader(`{"set":{"name":"default"}}
{"time":"2026-11-21T10:00:00Z","call":"b1","plates":["A1","B2"],"charged":2,"outcome":"answered","state":{}}
{"time":"2026-11-21T10:00:01Z","call":"b2","plates":["C3"],"char`))
	if err != nil || len(got) != 1 || got[0].Call != "b1" || len(got[0].Plates) != 2 || got[0].Charged != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := chaos.ReadCharges(strings.NewReader("no line of a book\n")); err == nil {
		t.Error("a damaged book was read")
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	rows := []chaos.Result{
		{Cell: "R3", Fault: "emptied", Held: true},
		{Cell: "P10", Fault: "replaced", Held: true, Plain: true, More: "drain 10.0 s"},
		{Cell: "D5", Fault: "log full", Skipped: "needs root"},
		{Cell: "P2", Fault: "killed", Figures: chaos.Figures{Lost: 3}},
	}
	var first []string
	for line := range strings.Lines(chaos.Table(rows)) {
		first = append(first, strings.SplitN(line, " | ", 2)[0])
	}
	if want := []string{"| #", "|---|---|---|---|---|---|---|---|---|---|\n", "| P2", "| P10", "| R3", "| D5"}; !cmp.Equal(first, want) {
		t.Error(cmp.Diff(want, first))
	}
	for i, want := range []string{
		"cell=R3 result=HELD lost=0 paid_twice=0 unknown=0 paid_not_stored=0 recover_s=0.0 extra_calls=0",
		"cell=P10 result=HELD drain 10.0 s",
		"cell=D5 result=SKIPPED needs root",
		"cell=P2 result=BROKEN lost=3 paid_twice=0 unknown=0 paid_not_stored=0 recover_s=0.0 extra_calls=0",
	} {
		if got := fmt.Sprint(rows[i]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	got, err := chaos.Replace("a\n<!-- X -->\nold\n<!-- /X -->\nb\n", "X", "new\n")
	if want := "a\n<!-- X -->\nnew\n<!-- /X -->\nb\n"; got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := chaos.Replace("a\n", "X", "new\n"); err == nil {
		t.Error("a page without a place took it")
	}
}
