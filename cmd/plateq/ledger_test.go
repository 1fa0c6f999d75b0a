package main

import (
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
)

func TestTheLedgerIsExported(t *testing.T) {
	t.Parallel()
	p := newPlace(t, priced...)
	_, errs := p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	if !regexp.MustCompile(`spent: 10\.50 INR \(plateq ledger --batch b_\w+ --simulate\)`).MatchString(errs) {
		t.Errorf("the run does not say what was spent: %s", errs)
	}
	out, _ := p.ok(t, 0, "ledger", "--csv", "--simulate")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("export of %d lines, %v: %s", len(rows), err, out)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	for _, name := range []string{"at", "settled_at", "batch"} {
		if got[name] == "" {
			t.Errorf("%s is empty", name)
		}
		delete(got, name)
	}
	want := map[string]string{
		"call": "1", "provider": "attestr", "tenant": "default", "outcome": "charged", "questions": "2", "charged": "2", "free": "0",
		"unknown": "0", "under_way": "0", "price": "5.25", "currency": "INR", "expected": "10.50", "spent": "10.50", "at_risk": "0.00", "class": "", "code": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
	for _, by := range ledgerGroups {
		out, _ := p.ok(t, 0, "ledger", "--by", by, "--simulate")
		if !strings.Contains(out, `"charged":2`) || !strings.Contains(out, `"spent":"10.50"`) {
			t.Errorf("by %s: %s", by, out)
		}
	}
	p.ok(t, 2, "ledger", "--by", "plate", "--simulate")
	p.ok(t, 2, "ledger", "--by", "day", "--csv", "--simulate")
}

// What a provider says of itself is the same beside the books as where
// providers are shown.
func TestFiguresWithoutALimitAreTold(t *testing.T) {
	t.Parallel()
	sad := "the account is closed"
	p := client.Provider{
		Name:         "spectrumdata",
		Readings:     []client.Reading{{Name: "reports_today", Value: 3}},
		Balances:     []client.Balance{{Name: "grz day", Unit: "reports"}, {Name: "grz month", Left: "17", Unit: "reports"}},
		BalanceError: &sad,
	}
	got := figures(p)
	want := []string{"reports today 3", "grz day: no limit", "grz month: 17 reports left", "its balance cannot be read: the account is closed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
