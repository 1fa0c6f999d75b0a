package app_test

import (
	"context"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// The list of these tests, and how much of it the budget of the day allows.
const (
	listed  = 5000
	allowed = 1000
)

// held waits until a list is paused by a budget, and returns how it stands.
func held(t *testing.T, cl *client.Client, id string) client.Batch {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), tooLong)
	defer stop()
	paused, stopNow := context.WithCancel(ctx)
	defer stopNow()
	b, err := cl.Wait(paused, id, func(b client.Batch) {
		if b.State == client.Paused && b.Counts[client.RowSending]+b.Counts[client.RowWaiting] == 0 {
			stopNow()
		}
	})
	if paused.Err() == nil || ctx.Err() != nil {
		t.Fatalf("the list was never held: %+v, %v", b, err)
	}
	return b
}

// within demands that so much was charged as the budget allows, and no more,
// and that the list says what holds it.
func within(t *testing.T, u upstream, b client.Batch) {
	t.Helper()
	if n := len(u.Charges()); n != allowed || u.chargedTwice() != 0 {
		t.Errorf("%d plates were charged, %d twice; want %d, 0", n, u.chargedTwice(), allowed)
	}
	w := b.WaitingFor
	if w == nil || w.Scope != "tenant:default:day" || w.Reason != client.ReasonBudget || w.Until == nil ||
		!strings.HasPrefix(b.Reason, "budget tenant:default:day: 500.00 of 500.00 INR are used or held, until ") {
		t.Errorf("it waits for %+v: %q", w, b.Reason)
	}
	if got := b.Counts[client.RowQueued]; got != listed-allowed {
		t.Errorf("%d rows are queued, want %d", got, listed-allowed)
	}
}

// budgeted is what both kinds of stores are told.
func budgeted() []string {
	return []string{
		"PLATEQ_ATTESTR_PRICE=0.50", "PLATEQ_ATTESTR_CURRENCY=INR", "PLATEQ_BUDGET_DAY=500",
		"PLATEQ_ATTESTR_BATCH_SIZE=70", // no whole number of calls makes 1,000
	}
}

// TestFourWorkersStayWithinABudget: of 5,000 questions a budget allows 1,000.
// Exactly these are charged, whoever claims; the list waits with the reason,
// goes on by itself when more is allowed, and is answered whole.
func TestFourWorkersStayWithinABudget(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	u := standIn(t, o)
	f := newFleet(t, u, budgeted()...)
	f.serve()
	for _, part := range []string{"worker", "worker", "worker", "worker", "scheduler"} {
		f.spawn(part)
	}
	list := plates(listed)
	id := f.submit(list)
	within(t, u, held(t, f.api, id))
	f.check()

	if _, err := f.api.SetBudget(t.Context(), "tenant:default:day", "2500", "INR"); err != nil {
		t.Fatal(err)
	}
	rows := f.await(id)
	if by := f.inOrder(rows, list); by["found"] != listed {
		t.Errorf("rows are %v, want all found", by)
	}
	f.answered(u, rows)
	if n := len(u.Charges()); n != listed || u.chargedTwice() != 0 {
		t.Errorf("%d plates were charged, %d twice; want %d, 0", n, u.chargedTwice(), listed)
	}
	all, err := f.api.Budgets(t.Context(), client.BudgetOptions{Batch: id})
	if err != nil || len(all) != 1 || all[0].Spent != "2500.00" || all[0].Held != "0.00" || all[0].Left != "0.00" {
		t.Errorf("budgets %+v, %v", all, err)
	}
	f.check()
}

// TestOneProcessStaysWithinABudget is the same with SQLite.
func TestOneProcessStaysWithinABudget(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	u := standIn(t, o)
	d := newDesk(t, u, append(budgeted(), "PLATEQ_LISTEN=127.0.0.1:0")...)
	cl, stop := d.up()
	b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\n"+strings.Join(plates(listed), "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	within(t, u, held(t, cl, b.ID))
	stop()
	d.check()

	cl, stop = d.up()
	change, err := cl.SetBudget(t.Context(), "tenant:default:day", "2500", "")
	if err != nil || len(change.Resumed) != 1 || change.Resumed[0] != b.ID {
		t.Errorf("raised: %+v, %v", change, err)
	}
	if b, err = cl.Wait(t.Context(), b.ID, nil); err != nil || b.Counts[client.RowFound] != listed {
		t.Errorf("in the end: %+v, %v", b, err)
	}
	stop()
	if n := len(u.Charges()); n != listed || u.chargedTwice() != 0 {
		t.Errorf("%d plates were charged, %d twice; want %d, 0", n, u.chargedTwice(), listed)
	}
	d.check()
}

// TestARunEndsAtItsCostAndGoesOnWithMore: the run waits for what it has paid
// for, says what holds it, and the same command with more goes on.
func TestARunEndsAtItsCostAndGoesOnWithMore(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_ATTESTR_PRICE=0.50", "PLATEQ_ATTESTR_CURRENCY=INR")
	list := plates(100)
	ro := d.runOptions(d.list("in.csv", list), "out.csv")
	ro.MaxCost = "17"
	sum, code := d.run(t.Context(), ro)
	if code != app.ExitMoney || len(u.Charges()) != 34 || sum.HeldBy != "batch:"+sum.Batch || sum.Spent != "17.00 INR" {
		t.Errorf("exit %d, %d charged, held by %q, spent %s; want %d, 34, by its batch, 17.00 INR", code, len(u.Charges()), sum.HeldBy, sum.Spent, app.ExitMoney)
	}
	if sum.Counts.Open() != 66 || sum.Counts.Total() != 100 {
		t.Errorf("rows are %v, want 34 answered", sum.Counts)
	}
	d.check()
	if sum, code = d.run(t.Context(), ro); code != app.ExitMoney || len(u.Charges()) != 34 || !sum.Again {
		t.Errorf("the same again: exit %d, %d charged", code, len(u.Charges()))
	}

	// Another list that is run meanwhile pays for itself alone.
	other := d.runOptions(d.list("other.csv", plates(130)[100:]), "other-out.csv")
	if _, code = d.run(t.Context(), other); code != app.ExitOK || len(u.Charges()) != 64 {
		t.Errorf("another list: exit %d, %d charged, want %d, 64", code, len(u.Charges()), app.ExitOK)
	}

	ro.MaxCost = "50"
	if sum, code = d.run(t.Context(), ro); code != app.ExitOK || !sum.Again || sum.HeldBy != "" {
		t.Errorf("with more: exit %d, %+v", code, sum)
	}
	if by := d.inOrder(d.out("out.csv"), list); by["found"] != len(list) {
		t.Errorf("rows are %v, want all found", by)
	}
	if len(u.Charges()) != 130 || u.chargedTwice() != 0 {
		t.Errorf("%d plates were charged, %d twice; want 130, 0", len(u.Charges()), u.chargedTwice())
	}
	d.check()
}

func TestACostWithoutAPriceIsRefused(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Fast())
	d := newDesk(t, u)
	ro := d.runOptions(d.list("in.csv", plates(3)), "out.csv")
	ro.MaxCost = "17"
	if sum, code := d.run(t.Context(), ro); code != app.ExitUsage || sum.Batch != "" || len(u.Charges()) != 0 {
		t.Errorf("exit %d, batch %q, %d charged; want %d and nothing", code, sum.Batch, len(u.Charges()), app.ExitUsage)
	}
}
