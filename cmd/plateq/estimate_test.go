package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

var priced = []string{"PLATEQ_ATTESTR_PRICE=5.25", "PLATEQ_ATTESTR_CURRENCY=INR"}

func TestAnEstimateIsForProgramsToo(t *testing.T) {
	t.Parallel()
	p := newPlace(t, priced...)
	out, _ := p.ok(t, 0, "estimate", "mixed.csv", "-p", "attestr", "--simulate")
	var e client.Estimate
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if e.Rows != 4 || e.Questions != 2 || e.Duplicates != 1 || e.Invalid != 1 || *e.AtMost != "10.50" || e.InvalidReasons[0].Lines[0] != 5 {
		t.Errorf("got %s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "plateq-data*")); len(left) > 0 {
		t.Errorf("an estimate left %s", left)
	}
}

// TestNobodyIsAskedBeforeAWord: a list that may cost more than the bound is
// not accepted where nobody can agree, and is with --yes.
func TestNobodyIsAskedBeforeAWord(t *testing.T) {
	t.Parallel()
	p := newPlace(t, append(priced, "PLATEQ_CONFIRM_ABOVE=10")...)
	run := []string{"run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv"}
	_, errs := p.ok(t, 2, run...)
	if !strings.Contains(errs, "it may cost 10.50 INR, more than PLATEQ_CONFIRM_ABOVE=10, and nobody is here to ask: add --yes") {
		t.Errorf("standard error: %s", errs)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "out.csv")); err == nil {
		t.Error("there are results of a list that nobody agreed to")
	}
	_, errs = p.ok(t, 0, append(run, "--yes")...)
	for _, want := range []string{"2  to be asked of attestr, in 1 call", "at most 10.50 INR, at 5.25 a question"} {
		if !strings.Contains(errs, want) {
			t.Errorf("standard error does not say %q: %s", want, errs)
		}
	}
	// What is known now costs nothing, so nobody need be asked.
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "again.csv")
}

func TestABoundIsInQuestionsWhereThereIsNoPrice(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_CONFIRM_ABOVE=1")
	_, errs := p.ok(t, 2, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	if !strings.Contains(errs, "it may cost 2 questions, more than PLATEQ_CONFIRM_ABOVE=1") {
		t.Errorf("standard error: %s", errs)
	}
}
