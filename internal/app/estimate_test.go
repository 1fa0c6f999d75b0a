package app_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// later returns what the desk has in that time.
func (d *desk) later(by time.Duration) app.Options {
	o := d.options()
	o.Now = func() time.Time { return time.Now().Add(by) }
	return o
}

// estimated is `plateq estimate`.
func (d *desk) estimated(o app.Options, list string) client.Estimate {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), o, app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer a.Close()
	c, err := client.New("http://localhost", client.Options{HTTPClient: &http.Client{Transport: handled{a.Handler()}}})
	if err != nil {
		d.t.Fatal(err)
	}
	f, err := os.Open(list)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	e, err := c.Estimate(d.t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, f)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// answerable returns n plates that the stand-in finds, or knows nothing of.
func answerable(u upstream, n int) []string {
	var all []string
	for _, p := range plates(2 * n) {
		if a := u.Answer(p); a.Valid || a.Status == "NOT_FOUND" {
			all = append(all, p)
		}
	}
	return all[:n]
}

// TestAnEstimateIsWhatIsCharged: of a list of 10,000 rows 9,412 are different,
// and half of these were answered a week ago. What the estimate says is asked,
// and nothing else is charged.
func TestAnEstimateIsWhatIsCharged(t *testing.T) {
	t.Parallel()
	const different, known, rows = 9_412, 4_706, 10_000
	u := standIn(t, sim.Options{Answers: sim.DefaultAnswers(), Completion: sim.Completion{Max: 200 * time.Millisecond}})
	d := newDesk(t, u, "PLATEQ_ATTESTR_BATCH_SIZE=500", "PLATEQ_ATTESTR_FRESH_NOT_FOUND_FOR=30d",
		"PLATEQ_ATTESTR_PRICE=2.35", "PLATEQ_ATTESTR_CURRENCY=INR")
	list := answerable(u, different)
	if _, code := d.run(t.Context(), d.runOptions(d.list("first.csv", list[:known]), "first-out.csv")); code != app.ExitOK {
		t.Fatalf("first list: exit %d", code)
	}
	paid := len(u.Charges())

	mixed := append(append([]string{}, list...), list[:rows-different]...)
	rand.New(rand.NewPCG(1, 2)).Shuffle(rows, func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	in, week := d.list("second.csv", mixed), d.later(7*24*time.Hour)
	e := d.estimated(week, in)
	if e.Rows != rows || e.Valid != rows || e.Duplicates != rows-different || e.Different != different || e.Known != known ||
		e.Questions != different-known || e.Calls != 10 || *e.AtMost != "11059.10" || *e.Currency != "INR" {
		t.Errorf("estimate: %+v, at most %s %s", e, *e.AtMost, *e.Currency)
	}
	if n := len(u.Charges()); n != paid {
		t.Fatalf("%d plates were charged for an estimate", n-paid)
	}

	var told client.Estimate
	ro := d.runOptions(in, "second-out.csv")
	ro.Confirm = func(e client.Estimate) error { told = e; return nil }
	if _, err := app.RunFile(t.Context(), week, ro); err != nil {
		t.Fatal(err)
	}
	if told.Questions != e.Questions || *told.AtMost != *e.AtMost {
		t.Errorf("the run says %d questions for %s, the estimate %d for %s", told.Questions, *told.AtMost, e.Questions, *e.AtMost)
	}
	charges := u.Charges()
	for _, p := range list {
		if charges[p] != 1 {
			t.Fatalf("a plate was charged %d times", charges[p])
		}
	}
	if got := len(charges) - paid; got != e.Questions {
		t.Errorf("%d plates were charged, the estimate says %d", got, e.Questions)
	}
	d.answered(u, d.out("second-out.csv"))
	d.check()
}

// TestARunThatIsNotConfirmedLeavesNothing: nobody was asked, and the same list
// can be run afterwards.
func TestARunThatIsNotConfirmedLeavesNothing(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{})
	d := newDesk(t, u)
	ro := d.runOptions(d.list("in.csv", append(plates(30), "??", "?")), "out.csv")
	var told client.Estimate
	ro.Confirm = func(e client.Estimate) error {
		told = e
		return app.Usage(os.ErrPermission)
	}
	if _, code := d.run(t.Context(), ro); code != app.ExitUsage {
		t.Errorf("exit %d, want %d", code, app.ExitUsage)
	}
	if told.Rows != 32 || told.Questions != 30 || told.Invalid != 2 || told.AtMost != nil || len(told.InvalidReasons) != 1 {
		t.Errorf("told %+v", told)
	}
	if n := len(u.Charges()); n != 0 {
		t.Errorf("%d plates were charged", n)
	}
	ro.Confirm = nil
	if sum, code := d.run(t.Context(), ro); code != app.ExitPartial || sum.Again || sum.Saved.Rows() != 0 {
		t.Errorf("run afterwards: exit %d, %+v", code, sum)
	}
	d.check()
}

// handled calls a handler where a server would be.
type handled struct{ http.Handler }

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, in)
	return rec.Result(), nil
}
