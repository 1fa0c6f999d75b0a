//go:build chaos

package chaos_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/providers/sim"
)

// quick is a provider whose calls take little, with a short timeout.
func quick(env ...string) ground {
	return ground{least: 50 * time.Millisecond, most: 500 * time.Millisecond, env: append([]string{"PLATEQ_ATTESTR_TIMEOUT=5s"}, env...)}
}

// unknowable has a few submits spoiled so that nobody can know what became of
// them: exactly their rows must be unknown.
func unknowable(faults ...sim.Fault) func(*trial) {
	return func(t *trial) {
		w := t.begin(quick())
		w.part(0.1)
		struck := 0
		for _, f := range submits(faults) {
			w.provider.set(f)
			await(t, "the fault strikes", func() bool { return w.struck(f.Name) >= f.First })
			w.provider.clear(f.Name)
			struck += w.struck(f.Name)
		}
		w.mended = time.Now()
		w.account()
		if got := w.result.Unknown; got != struck*w.batch {
			t.Errorf("%d rows are unknown after %d calls of %d rows", got, struck, w.batch)
		}
		t.more("%d calls struck", struck)
	}
}

// submits are faults of submits, with names.
func submits(faults []sim.Fault) []sim.Fault {
	for i := range faults {
		faults[i].Where, faults[i].Name = "submit", string(rune('a'+i))
	}
	return faults
}

func (w *world) strikes(faults []sim.Fault) int {
	w.Helper()
	n := 0
	for _, f := range faults {
		n += w.struck(f.Name)
	}
	return n
}

// harmless has pages of polls spoiled: polls are free, so nothing is unknown.
func harmless(faults ...sim.Fault) func(*trial) {
	return func(t *trial) {
		w := t.begin(quick())
		w.part(0.1)
		for i := range faults {
			faults[i].Where, faults[i].Name = "items", string(rune('a'+i))
		}
		w.provider.set(faults...)
		w.part(1)
		for _, f := range faults {
			if f.Kind != sim.KindForeign && f.Kind != sim.KindShift && f.Kind != sim.KindRegress {
				w.provider.clear(f.Name)
			}
		}
		w.mended = time.Now()
		w.account()
		w.nothingUnknown()
		st, err := w.provider.stats()
		if err != nil {
			t.Fatal(err)
		}
		t.more("%d pages struck, %d records taken back", w.strikes(faults), st.Regressions)
		most := 0
		for _, p := range w.workers {
			most = max(most, p.memory())
		}
		if t.more("at most %d MiB of memory", most); most > 400 {
			t.Errorf("a worker took %d MiB", most)
		}
	}
}

// refusedOnce has two submits refused in the provider's own words, under the
// status of a success: their rows failed, and cost nothing.
func refusedOnce(t *trial) {
	w := t.begin(quick())
	w.part(0.1)
	w.provider.set(sim.Fault{Name: "words", Kind: "5001", Where: "submit", First: 2, Status: http.StatusOK})
	w.account()
	w.nothingUnknown()
	n := 0
	for r, err := range w.api.Results(t.Context(), w.id, client.ResultsOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Error != nil && r.Error.Code == "5001" {
			n++
		}
	}
	if n != 2*w.batch {
		t.Errorf("%d rows failed with 5001, want those of two calls", n)
	}
	t.more("%d rows failed as provider_error", n)
}

// refusing has the provider refuse every submit, or every call, for a time.
// Hardly anybody asks then.
func refusing(fault sim.Fault, open bool) func(*trial) {
	return func(t *trial) {
		w := t.begin(quick("PLATEQ_ATTESTR_DAILY_PROBE=2s"))
		w.part(0.2)
		fault.Name = "refuse"
		before, during := 0, 0
		w.fault(func() {
			w.provider.set(fault)
			before = w.provider.submits()
		}, lasting(10*time.Second, 10*time.Minute), func() {
			during = w.provider.submits() - before
			w.provider.clear("refuse")
		})
		if open {
			if _, err := w.api.OpenGate(t.Context(), "attestr"); err != nil {
				t.Error(err)
			}
			if _, err := w.api.OpenGate(t.Context(), "attestr/submit"); err != nil {
				t.Error(err)
			}
		}
		// A probe carries one row, so that nobody can say how many calls the rest
		// needs; those that were refused are told of beside.
		w.needed = w.provider.submits() + len(w.list)
		w.account()
		// Five in a row open the circuit, and so many were on their way by then; a
		// probe has one row.
		if most := (5+atOnce)*w.batch + during; w.result.Unknown > most {
			t.Errorf("%d rows are unknown, want %d at most", w.result.Unknown, most)
		}
		if most := lasting(6*atOnce, 10*atOnce); during > most {
			t.Errorf("%d calls while everything was refused, want %d at most", during, most)
		}
		t.more("%d calls meanwhile", during)
	}
}

// failsSevens lets a fault of records strike every plate that ends in a 7, a
// tenth of them, which fails then.
func (w *world) failsSevens(k sim.Kind) {
	w.Helper()
	w.provider.set(sim.Fault{Name: string(k), Kind: k, Where: "items", Pattern: "7$"})
	w.answer = func(plate string) chaos.Answer {
		if strings.HasSuffix(plate, "7") {
			return chaos.Answer{Status: "failed"}
		}
		return answer(plate)
	}
}

func missingRecords(t *trial) {
	w := t.build(quick())
	w.failsSevens(sim.KindMissing)
	w.goOn()
	w.account()
	w.nothingUnknown()
	n := 0
	for r, err := range w.api.Results(t.Context(), w.id, client.ResultsOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Error != nil && r.Error.Class == "missing_at_provider" {
			n++
		}
	}
	if want := len(w.list) / 10; n != want {
		t.Errorf("%d rows failed as missing, want %d", n, want)
	}
	t.more("%d rows failed as missing_at_provider", n)
}

// goOn starts workers and a scheduler and hands the list in.
func (w *world) goOn() {
	w.Helper()
	for range w.ground.workers {
		w.worker()
	}
	w.scheduler = w.spawn("scheduler")
	w.submit()
}

// neverFinished has records that do not come to their end by the deadline. A
// late answer counts.
func neverFinished(t *trial) {
	w := t.build(quick("PLATEQ_ATTESTR_DEADLINE=15s"))
	w.failsSevens(sim.KindNever)
	w.goOn()
	w.account()
	w.nothingUnknown()
	n := w.sql("SELECT count(*) FROM tickets WHERE waiting = 0 AND open <> ''")
	t.more("%d tickets are asked about on", n)
}

func oneTicketForTwo(t *trial) {
	w := t.begin(quick())
	w.part(0.2)
	w.provider.set(sim.Fault{Name: "same", Kind: sim.KindSameID, Where: "submit", First: 2})
	w.account()
	if got := w.result.Unknown; got != 2*w.batch {
		t.Errorf("%d rows are unknown, want those of two calls", got)
	}
	t.more("2 calls were answered with a ticket of another one")
}

// notThere is a provider that refuses connections, and one whose certificate
// nobody knows: nothing was sent, so nothing is unknown.
func notThere(t *trial) {
	w := t.build(quick())
	w.provider.kill()
	for range w.ground.workers {
		w.worker()
	}
	w.scheduler = w.spawn("scheduler")
	w.submit()
	w.fault(func() {}, lasting(8*time.Second, time.Minute), func() {
		w.provider.run()
		w.provider.set(slowness(w.least, w.most)...)
	})
	w.needed = len(w.list) // probes carry one row
	w.account()
	w.nothingUnknown()
}

func badCertificate(t *trial) {
	seen := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ }))
	s.Config.ErrorLog = quiet()
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	t.plain()
	w := t.build(ground{rows: 100, batch: 10})
	w.worker("PLATEQ_ATTESTR_BASE_URL=" + s.URL)
	w.scheduler = w.spawn("scheduler")
	w.submit()
	await(t, "the worker has tried", func() bool { return w.sql("SELECT count(*) FROM calls WHERE class = 'unavailable'") > 2 })
	if n := w.sql("SELECT coalesce(sum(unknown), 0) FROM calls"); n > 0 || seen > 0 {
		t.Errorf("%d rows are unknown, %d requests came through", n, seen)
	}
	t.more("0 unknown, 0 requests sent")
}

// clockWrong lets all processes have a wrong time.
func clockWrong(offset string) func(*trial) {
	return func(t *trial) {
		g := quick("PLATEQ_TEST_CLOCK_OFFSET=" + offset)
		g.hooks = true
		w := t.begin(g)
		w.account()
		w.nothingUnknown()
	}
}

// clockJumps sets it back while a list is on its way. What was to come at a
// time comes so much later, and nothing stops for longer.
func clockJumps(t *trial) {
	path := filepath.Join(t.keptDir(), "offset")
	w := t.begin(quick("PLATEQ_TEST_CLOCK_OFFSET=" + path))
	w.part(0.3)
	back := lasting(time.Minute, 5*time.Minute)
	if err := os.WriteFile(path, []byte((-back).String()), 0o600); err != nil {
		t.Fatal(err)
	}
	w.mended = time.Now()
	w.account()
	w.nothingUnknown()
	if most := back + time.Minute; w.result.Recovered > most {
		t.Errorf("the list took %s more, want %s at most", w.result.Recovered, most)
	}
}
