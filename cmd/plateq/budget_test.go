package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

// says demands that a text holds all of these.
func says(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
}

// TestABudgetStopsARunUntilItIsRaised goes the way of a person: the run says
// what holds it and what to type, and that helps.
func TestABudgetStopsARunUntilItIsRaised(t *testing.T) {
	t.Parallel()
	p := newPlace(t, append(priced, "PLATEQ_BUDGET_DAY=6")...)
	run := []string{"run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv"}
	_, errs := p.ok(t, 4, run...)
	says(t, errs,
		"budget  tenant:default:day: 6.00 of 6.00 INR left until ", "; the list pauses there",
		"plateq: budget tenant:default:day: 5.25 of 6.00 INR are used or held, and a question costs 5.25 INR, until ",
		"raise it (plateq budget set tenant:default:day AMOUNT) and run the same command again",
		"next: plateq budget set tenant:default:day AMOUNT --simulate (then the same command goes on)")
	out, _ := p.ok(t, 0, "list", "--simulate")
	var b client.Batch
	if err := json.Unmarshal([]byte(out), &b); err != nil || b.State != client.Paused {
		t.Fatalf("list: %v, %s", err, out)
	}
	says(t, b.Reason, "left unfinished by its run: budget tenant:default:day")

	out, errs = p.ok(t, 0, "budget", "--simulate")
	says(t, out, `"scope":"tenant:default:day"`, `"amount":"6.00"`, `"spent":"5.25"`, `"left":"0.75"`, `"set_by":null`)
	says(t, errs, "next: plateq budget set tenant:default:day AMOUNT --simulate")
	out, _ = p.ok(t, 0, "budget", "set", "tenant:default:day", "20", "--simulate")
	says(t, out, `"amount":"20.00"`, `"set_by":"request"`)
	p.ok(t, 0, run...)
	p.ok(t, 0, "budget", "unset", "tenant:default:day", "--simulate")
	if _, errs = p.ok(t, 2, "budget", "unset", "tenant:default:day", "--simulate"); !strings.Contains(errs, "nobody has set a budget of that scope") {
		t.Errorf("unset twice: %s", errs)
	}
	if _, errs := p.ok(t, 0, "check", "--simulate"); !strings.Contains(errs, "the books balance") {
		t.Errorf("check: %s", errs)
	}
}

// TestABudgetCountsQuestionsWhereThereIsNoPrice: two questions and room for one,
// at this provider alone.
func TestABudgetCountsQuestionsWhereThereIsNoPrice(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_ATTESTR_BUDGET_DAY=1")
	_, errs := p.ok(t, 4, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	says(t, errs, "budget  provider:attestr:day: 1 of 1 questions left until ", "plateq: budget provider:attestr:day has no room until ")
	p.ok(t, 0, "run", "fleet.csv", "-p", "aopay", "--set", "operator=311", "--simulate", "-o", "other.csv")
}

func TestMaxCostAgreesUpToThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t, append(priced, "PLATEQ_CONFIRM_ABOVE=1")...)
	run := []string{"run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv"}
	_, errs := p.ok(t, 2, run...)
	says(t, errs, "add --yes, or --max-cost AMOUNT")
	_, errs = p.ok(t, 4, append(run, "--max-cost", "6")...)
	says(t, errs, "it may cost 10.50 INR: the list pauses before it costs more than 6 (--max-cost)",
		": raise it (a higher --max-cost) and run the same command again", "next: plateq budget set batch:b_")
	_, errs = p.ok(t, 0, append(run, "--max-cost", "11")...)
	says(t, errs, "was left unfinished before")
}

// TestAServerHoldsAListAndLetsItGoOn: submit --wait ends with what to type, and
// after that the list goes on by itself.
func TestAServerHoldsAListAndLetsItGoOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t, priced...)
	addr, stop := p.up(t)
	p.env = append(p.env, "PLATEQ_URL="+addr)
	_, errs := p.ok(t, 4, "submit", "fleet.csv", "-p", "attestr", "--wait", "--max-cost", "6")
	_, id, _ := strings.Cut(errs, "as batch ")
	id, _, _ = strings.Cut(id, "\n")
	says(t, errs, "plateq: budget batch:"+id+": 5.25 of 6.00 INR are used or held",
		"raise it (plateq budget set batch:"+id+" AMOUNT), batch "+id+" then goes on by itself")
	out, errs := p.ok(t, 0, "status", id)
	says(t, out, `"state":"paused"`, `"waiting_for":{"scope":"batch:`+id+`","reason":"budget","until":null}`)
	says(t, errs, "next: plateq budget set batch:"+id+" AMOUNT")
	out, errs = p.ok(t, 0, "budget", "set", "batch:"+id, "11")
	says(t, out, `"resumed":["`+id+`"]`)
	says(t, errs, "there is room again: batch "+id+" goes on", "next: plateq status "+id)
	p.ok(t, 0, "submit", "fleet.csv", "-p", "attestr", "--wait", "--max-cost", "0")
	out, _ = p.ok(t, 0, "budget", "--batch", id)
	says(t, out, `"spent":"10.50"`)
	if _, errs := p.ok(t, 2, "budget", "set", "provider:attestr:day", "5", "EUR"); !strings.Contains(errs, "what this bounds is paid in INR") {
		t.Errorf("another currency: %s", errs)
	}
	if code := stop(); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
}

func TestBudgetsOverSeveralCurrenciesAreRefused(t *testing.T) {
	t.Parallel()
	p := newPlace(t, append(priced, "PLATEQ_AOPAY_PRICE=1", "PLATEQ_AOPAY_CURRENCY=EUR", "PLATEQ_BUDGET_DAY=6")...)
	_, errs := p.ok(t, 2, "run", "fleet.csv", "-p", "attestr", "--simulate")
	says(t, errs, "PLATEQ_BUDGET_DAY: it has no currency that fits all: aopay is paid in EUR, attestr is paid in INR")
}
