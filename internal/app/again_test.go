package app_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// up runs a whole service at a desk, and returns a client of it and what ends
// it.
func (d *desk) up() (*client.Client, func()) {
	d.t.Helper()
	_, cl, stop := d.upAt()
	return cl, stop
}

// upAt is up that tells the service's address too.
func (d *desk) upAt() (string, *client.Client, func()) {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Worker|app.Scheduler|app.Server)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			d.t.Errorf("run: %v", err)
		}
	})
	at := "http://" + a.Addr()
	cl, err := client.New(at, client.Options{HTTPClient: &http.Client{}})
	if err != nil {
		d.t.Fatal(err)
	}
	return at, cl, func() {
		cancel()
		wg.Wait()
		if err := a.Close(); err != nil {
			d.t.Errorf("close: %v", err)
		}
	}
}

func TestTwoListsOfTheSamePlatesAtOnceArePaidOnce(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_LISTEN=127.0.0.1:0", "PLATEQ_ATTESTR_BATCH_SIZE=100")
	cl, stop := d.up()
	const n = 5000
	list := "plate\n" + strings.Join(plates(n), "\n") + "\n"
	var batches [2]client.Batch
	var wg sync.WaitGroup
	for i := range batches {
		wg.Go(func() {
			b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader(list))
			if err == nil {
				b, err = cl.Wait(t.Context(), b.ID, nil)
			}
			if err != nil {
				t.Error(err)
			}
			batches[i] = b
		})
	}
	wg.Wait()
	stop()
	found, cost := 0, 0
	for _, b := range batches {
		found += b.Counts[client.RowFound]
		cost += b.Questions
		if b.Questions+b.Shared.Rows() != n {
			t.Errorf("%d questions and %+v of %d rows", b.Questions, b.Shared, n)
		}
	}
	if found != 2*n || cost != n || len(u.Charges()) != n || u.chargedTwice() != 0 {
		t.Errorf("%d answers of %d questions, %d plates charged, %d twice; want %d, %d, %d, 0",
			found, cost, len(u.Charges()), u.chargedTwice(), 2*n, n, n)
	}
	d.check()
}

func TestTheRuleResendsAQuestionOnceAndNoMore(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Faults = []sim.Fault{{Name: "cut", Kind: "charge_then_close", Where: "submit"}}
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_ATTESTR_ON_UNKNOWN=resend")
	list := plates(40)
	ro := d.runOptions(d.list("in.csv", list), "out.csv")
	if _, code := d.run(t.Context(), ro); code != app.ExitPartial {
		t.Errorf("exit %d, want %d: nothing ever answers", code, app.ExitPartial)
	}
	by := d.inOrder(d.out("out.csv"), list)
	if by["unknown"] != len(list) {
		t.Errorf("rows are %v, want all unknown", by)
	}
	for plate, n := range u.Charges() {
		if n != 2 {
			t.Fatalf("%s was charged %d times, want twice and no more", plate, n)
		}
	}
	d.check()
}
