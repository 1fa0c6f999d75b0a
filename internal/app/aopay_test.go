package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// aopayDesk returns a desk that asks u for bills.
func aopayDesk(t *testing.T, u upstream, env ...string) *desk {
	t.Helper()
	return newDesk(t, u, append([]string{
		"PLATEQ_AOPAY_BASE_URL=" + strings.TrimSuffix(u.url, "/attestr") + "/aopay",
		"PLATEQ_AOPAY_REGISTRATION_ID=" + sim.DefaultToken, "PLATEQ_AOPAY_RATE=none", "PLATEQ_AOPAY_CONCURRENCY=8",
	}, env...)...)
}

func askAOPay(ro app.RunOptions) app.RunOptions {
	ro.Provider = "aopay"
	return ro
}

// wantBills demands that every row but the unknown ones says what the stand-in
// knows of its plate; without a bill it is noBill.
func (d *desk) wantBills(u upstream, rows []map[string]string, noBill string) {
	d.t.Helper()
	for _, r := range rows {
		if r["status"] == "unknown" {
			continue
		}
		want := u.AOPayAnswer(311, r["plate"])
		status, amount := "failed", ""
		switch want.Code {
		case 1:
			status, amount = "found", want.Bill.Amount
		case 2:
			status = noBill
		}
		if r["status"] != status || r["result.amount"] != amount {
			d.t.Fatalf("row %s is %s with %q, want %s with %q", r["row"], r["status"], r["result.amount"], status, amount)
		}
	}
}

// TestAOPayPaysOnce: a fetch cannot be repeated, so that what may have been
// charged and brought no answer is unknown, and nothing else is.
func TestAOPayPaysOnce(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Seed: 5, Faults: []sim.Fault{
		{Name: "500", Kind: "500", Where: "fetch", Every: 97, Charge: true},
		{Name: "cut", Kind: sim.KindChargeThenCut, Where: "fetch", Every: 101},
		{Name: "hang", Kind: sim.KindChargeThenHang, Where: "fetch", First: 1, For: time.Minute},
	}})
	d := aopayDesk(t, u, "PLATEQ_AOPAY_TIMEOUT=2s", "PLATEQ_AOPAY_NOT_FOUND_TEXT=NO BILL FOUND")
	list := plates(400)
	list[7] = list[300]
	ro := askAOPay(d.runOptions(d.list("in.csv", list), "out.csv"))
	if _, code := d.run(t.Context(), ro); code != app.ExitPartial {
		t.Errorf("exit %d, want %d: some rows failed", code, app.ExitPartial)
	}
	rows := d.out("out.csv")
	by, faults := d.inOrder(rows, list), 0
	for _, n := range u.Stats().Faults {
		faults += n
	}
	if rows[7]["status"] == "unknown" { // two rows are about this plate
		faults++
	}
	if by["unknown"] != faults || by["not_found"] == 0 || by["found"] == 0 || by["failed"] == 0 {
		t.Errorf("got %v, want %d unknown and some of all other kinds", by, faults)
	}
	d.wantBills(u, rows, "not_found")
	if len(u.Charges("aopay")) != 399 || u.chargedTwice() != 0 {
		t.Errorf("%d plates charged, %d twice, want 399, none", len(u.Charges("aopay")), u.chargedTwice())
	}
	d.check()
}

// TestAOPayNoBillFailsUnlessTheOperatorSaysOtherwise: by its code as well.
func TestAOPayNoBillFailsUnlessTheOperatorSaysOtherwise(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]string{"PLATEQ_AOPAY_NOT_FOUND_CODES=": "failed", "PLATEQ_AOPAY_NOT_FOUND_CODES=17, 2": "not_found"} {
		u := standIn(t, sim.Options{Seed: 5})
		d := aopayDesk(t, u, env)
		list := plates(60)
		d.run(t.Context(), askAOPay(d.runOptions(d.list("in.csv", list), "out.csv")))
		d.wantBills(u, d.out("out.csv"), want)
	}
}

// TestAOPayCodeThatIsNotBelieved: a code that the operator named is unknown.
func TestAOPayCodeThatIsNotBelieved(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Answers: sim.Answers{Errored: 1}})
	d := aopayDesk(t, u, "PLATEQ_AOPAY_AMBIGUOUS_CODES=9", "PLATEQ_AOPAY_CONCURRENCY=1")
	d.run(t.Context(), askAOPay(d.runOptions(d.list("in.csv", plates(3)), "out.csv")))
	if by := d.inOrder(d.out("out.csv"), plates(3)); by["unknown"] != 3 || u.chargedTwice() != 0 {
		t.Errorf("got %v, want all unknown", by)
	}
	d.check()
}

// TestAOPayRefusedSignatureStops: no row fails by it; once it is in order the
// same command goes on.
func TestAOPayRefusedSignatureStops(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Seed: 5, Faults: []sim.Fault{{Name: "signature", Kind: sim.KindRefuse, Code: "10", Where: "fetch"}}})
	d := aopayDesk(t, u, "PLATEQ_AOPAY_CONCURRENCY=2")
	list := plates(40)
	ro := askAOPay(d.runOptions(d.list("in.csv", list), "out.csv"))
	sum, code := d.run(t.Context(), ro)
	if code != app.ExitProvider || sum.Counts.Open() != 40 {
		t.Errorf("exit %d with %d rows open, want %d with all", code, sum.Counts.Open(), app.ExitProvider)
	}
	if got := u.Stats().Requests["fetch"]; got > 2 {
		t.Errorf("got %d requests, want no more than are in flight at once", got)
	}
	u.ClearFaults()
	d.run(t.Context(), ro)
	rows := d.out("out.csv")
	d.inOrder(rows, list)
	d.wantBills(u, rows, "failed")
	if u.chargedTwice() != 0 {
		t.Errorf("%d plates charged twice", u.chargedTwice())
	}
	d.check()
}
