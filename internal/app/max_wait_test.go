package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// shut closes gates of the desk's store while nothing runs.
func (d *desk) shut(gates ...store.GateClose) {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer closeBooks(d.t, a)
	if _, err := a.Store().SetGates(d.t.Context(), store.GateChanges{Close: gates}); err != nil {
		d.t.Fatal(err)
	}
}

// TestAGateThatIsClosedForTooLongEndsTheRun: one that opens by time, and one that
// a person closed, which has no end that anybody knows.
func TestAGateThatIsClosedForTooLongEndsTheRun(t *testing.T) {
	t.Parallel()
	daily := store.GateClose{Scope: "attestr/submit", Class: providers.DailyLimited, Until: time.Now().Add(2 * time.Hour), Probe: true}
	hand := store.GateClose{Scope: "attestr", Code: store.ByHand, By: "request"}
	for name, c := range map[string]struct {
		gates []store.GateClose
		want  []string
	}{
		"by time": {[]store.GateClose{daily}, []string{"attestr/submit is closed until 2", "the quota of the day is used up", "--max-wait"}},
		"by hand": {[]store.GateClose{hand}, []string{"attestr is closed by hand", "--max-wait", "plateq gate open attestr"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := standIn(t, brisk())
			d := newDesk(t, u)
			d.shut(c.gates...)
			ro := d.runOptions(d.list("in.csv", plates(3)), "out.csv")
			ro.MaxWait = time.Hour
			ctx, stop := context.WithTimeout(t.Context(), tooLong)
			defer stop()
			_, err := app.RunFile(ctx, d.options(), ro)
			if app.ExitCode(err) != app.ExitProvider {
				t.Fatalf("exit %d with %v, want %d", app.ExitCode(err), err, app.ExitProvider)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("it says %q, and not %q", err, w)
				}
			}
			if n := u.Stats().Requests["submit"]; n != 0 {
				t.Errorf("%d calls went through a closed gate", n)
			}
		})
	}
}

// TestARunSaysThatItWaitsForAPerson, whatever gate beside it opens by time.
func TestARunSaysThatItWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	d.shut(
		store.GateClose{Scope: "attestr", Code: store.ByHand, By: "request"},
		store.GateClose{Scope: "attestr/submit", Class: providers.DailyLimited, Until: time.Now().Add(2 * time.Hour), Probe: true})
	ro := d.runOptions(d.list("in.csv", plates(3)), "out.csv")
	ctx, stop := context.WithTimeout(t.Context(), tooLong)
	defer stop()
	seen := app.Progress{}
	ro.Progress = func(p app.Progress) {
		if p.Waiting != "" {
			seen = p
			stop()
		}
	}
	if _, code := d.run(ctx, ro); code != app.ExitInterrupted {
		t.Errorf("the run ended with %d before it was stopped", code)
	}
	if seen.Waiting != "attestr: closed by hand" || !seen.Until.IsZero() {
		t.Errorf("it waits for %q until %s, want attestr, closed by hand and without an end", seen.Waiting, seen.Until)
	}
}
