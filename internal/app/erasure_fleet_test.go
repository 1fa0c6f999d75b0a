package app_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
)

// machines is a fleet of which each process belongs to one machine, with a data
// directory and so a file of erasures of its own.
type machines struct{ *fleet }

func (m machines) does(machine string, args ...string) {
	m.t.Helper()
	m.give("PLATEQ_DATA_DIR", m.path(machine))
	if said, code := m.plateq(append([]string{"erase", "--yes"}, args...)...); code != 0 {
		m.t.Fatalf("erase %s on machine %s: exit %d: %s", args, machine, code, said)
	}
}

func (m machines) erases(machine string) {
	m.t.Helper()
	m.does(machine, "--plate", answeredPlate, "--reason", "request 17")
}

// erasesByName erases somebody who is in each line of the lists.
func (m machines) erasesByName(machine string) {
	m.t.Helper()
	m.does(machine, "--name", "north", "--reason", "request 18")
}

func (m machines) allows(machine string) {
	m.t.Helper()
	m.does(machine, "--plate", answeredPlate, "--allow", "--reason", "contract 17")
}

// allowsAhead allows on a machine whose clock is an hour ahead.
func (m machines) allowsAhead(machine string) {
	m.t.Helper()
	m.give("PLATEQ_DATA_DIR", m.path(machine))
	o := m.options()
	o.Now = func() time.Time { return time.Now().Add(time.Hour) }
	e, err := app.OpenErasing(m.t.Context(), o, []app.Person{{Kind: app.ByPlate, Value: answeredPlate}})
	if err != nil {
		m.t.Fatal(err)
	}
	n, err := e.Allow(m.t.Context(), "contract 17")
	if err := errors.Join(err, e.Close()); err != nil || n != 1 {
		m.t.Fatalf("%d were allowed, %v, want 1", n, err)
	}
}

// cutOff begins to erase a plate on a machine, and is killed.
func (m machines) cutOff(machine, plate string) {
	m.t.Helper()
	m.give("PLATEQ_DATA_DIR", m.path(machine))
	a, err := app.Open(m.t.Context(), m.options(), app.Books)
	if err != nil {
		m.t.Fatal(err)
	}
	defer closeBooks(m.t, a)
	sealer, _ := m.sealer()
	key, err := sealer.PersonKey(store.ByPlate, plate)
	if err == nil {
		err = a.Store().BeginErasure(m.t.Context(), store.Erasure{
			ID: "e_" + plate, At: store.Millis(time.Now()), By: "user w", Reason: "request 17", Keys: []store.PersonKey{key},
		})
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// recorded are the erasures that are on record.
func (m machines) recorded() []store.Erasure {
	m.t.Helper()
	a, err := app.Open(m.t.Context(), m.options(), app.Books)
	if err != nil {
		m.t.Fatal(err)
	}
	defer closeBooks(m.t, a)
	all, err := a.Store().Erasures(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return all
}

// suppressed starts a machine, and reports whether it takes in nothing of who
// was erased.
func (m machines) suppressed(machine string) bool {
	m.t.Helper()
	m.give("PLATEQ_DATA_DIR", m.path(machine))
	m.give("PLATEQ_LISTEN", "127.0.0.1:0")
	m.serve()
	defer m.end()
	return m.count(m.submit([]string{answeredPlate}), "invalid") == 1
}

// stays demands that machines which start one after another leave it at what
// was said last.
func (m machines) stays(want bool, started ...string) {
	m.t.Helper()
	for _, machine := range started {
		if got := m.suppressed(machine); got != want {
			m.t.Errorf("once machine %s has started, who was erased is suppressed: %v, want %v", machine, got, want)
		}
	}
}

// TestAMachineThatStartsUndoesNothing: each machine knows what was said there,
// and what the others said since counts all the same.
func TestAMachineThatStartsUndoesNothing(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	for name, tc := range map[string]struct {
		said func(m machines)
		want bool
	}{
		"allowed elsewhere": {func(m machines) {
			m.erases("a")
			m.allows("b")
		}, false},
		"erased elsewhere": {func(m machines) {
			m.erases("a")
			m.allows("a")
			m.erases("b")
		}, true},
		"erased, allowed elsewhere, erased and allowed": {func(m machines) {
			m.erases("a")
			m.allows("b")
			m.erases("a")
			m.allows("a")
		}, false},
		"allowed by a clock that is ahead, and found with somebody": {func(m machines) {
			m.erases("a")
			m.allowsAhead("b")
			if m.suppressed("b") {
				m.t.Fatal("who was allowed is not taken in")
			}
			m.erasesByName("a")
		}, true},
		"found with somebody, and allowed": {func(m machines) {
			m.suppressed("a")
			m.erasesByName("a")
			m.allows("b")
		}, false},
		"cut off, and allowed before another that is": {func(m machines) {
			m.cutOff("a", answeredPlate)
			m.allows("a")
			m.cutOff("a", queuedPlate)
			m.suppressed("b") // it does not know yet of which erasure each was
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := machines{newFleet(t, u)}
			tc.said(m)
			m.stays(tc.want, "a", "b", "c", "a")
		})
	}
}

// TestAnOldAllowanceLiftsNothing: a file of which nobody knows by whose clock its
// allowances are does not undo what the store says.
func TestAnOldAllowanceLiftsNothing(t *testing.T) {
	t.Parallel()
	m := machines{newFleet(t, standIn(t, brisk()))}
	m.erases("a")
	text, err := os.ReadFile(m.path("a/erasures"))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(text))
	old := strings.Join([]string{words[0], "allowed", "-", "4102444800000", words[4]}, " ") + "\n" // of the year 2100
	if err := os.WriteFile(m.path("a/erasures"), append(text, old...), 0o600); err != nil {
		t.Fatal(err)
	}
	m.stays(true, "a", "b", "a")
}

// TestAnOlderCopyLearnsWhatWasSaidSince: erasures and allowances that an older
// copy does not know come back with the first machine that starts, also what was
// said on another.
func TestAnOlderCopyLearnsWhatWasSaidSince(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	for name, tc := range map[string]struct {
		before, since func(m machines)
		want          bool
	}{
		"erased": {func(machines) {}, func(m machines) { m.erases("a") }, true},
		"erased and allowed": {func(machines) {}, func(m machines) {
			m.erases("a")
			m.allows("a")
		}, false},
		"allowed":           {func(m machines) { m.erases("a") }, func(m machines) { m.allows("a") }, false},
		"allowed elsewhere": {func(m machines) { m.erases("a") }, func(m machines) { m.allows("b"); m.suppressed("a") }, false},
		"erased again elsewhere": {func(m machines) {
			m.erases("a")
			m.allows("a")
		}, func(m machines) { m.erases("b"); m.suppressed("a") }, true},
		"found with somebody": {func(m machines) {
			m.erases("a")
			m.allowsAhead("b")
			m.suppressed("b")
		}, func(m machines) { m.erasesByName("a") }, true},
		"found with somebody elsewhere": {func(m machines) {
			m.erases("a")
			m.allowsAhead("b")
			m.suppressed("b")
		}, func(m machines) { m.erasesByName("b"); m.suppressed("a") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := machines{newFleet(t, u)}
			url := pgtest.Database(t)
			m.give("PLATEQ_DATABASE_URL", url)
			if m.suppressed("a") {
				t.Fatal("nobody was erased yet")
			}
			tc.before(m)
			dump := pgtest.Dump(t, url, "--format=custom")
			tc.since(m)
			restored := pgtest.Database(t)
			pgtest.Restore(t, restored, dump)
			m.give("PLATEQ_DATABASE_URL", restored)
			m.stays(tc.want, "a", "b", "a")
		})
	}
}

// TestAnErasureThatWasCutOffLeavesWhoWasAllowedSince: it is at an end where
// nobody else is left of it, and what was bought since is there.
func TestAnErasureThatWasCutOffLeavesWhoWasAllowedSince(t *testing.T) {
	t.Parallel()
	m := machines{newFleet(t, standIn(t, brisk()))}
	m.give("PLATEQ_DATA_DIR", m.path("b"))
	m.open(app.Server | app.Scheduler)
	worker := m.spawn("worker")
	m.await(m.submit(plates(1))) // all of b has started
	m.cutOff("a", answeredPlate)
	m.allows("b") // while b runs: its file has the erasure from now on
	id := m.submit([]string{answeredPlate})
	before := m.await(id)
	end(t, worker)
	m.end()
	if len(before) != 1 || before[0]["status"] != "found" {
		t.Fatalf("who was allowed is answered by %v", before)
	}
	m.serve()
	after := m.await(id)
	m.end()
	if !slices.EqualFunc(before, after, maps.Equal) {
		t.Errorf("once machine b has started, who was allowed is answered by\n%v, want\n%v", after, before)
	}
	m.stays(false, "a", "b")
	if all := m.recorded(); len(all) != 1 || all[0].Ended.IsZero() || all[0].Passes != 0 || all[0].Reason != "request 17" {
		t.Errorf("on record is %+v, want that it has ended and searched nothing", all)
	}
}

// TestABackupLearnsWhoWasAllowedSince is the same with SQLite.
func TestABackupLearnsWhoWasAllowedSince(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	erase := []string{"erase", "--plate", answeredPlate, "--reason", "request 17"}
	for _, args := range [][]string{
		erase, {"backup", d.path("backup.db")}, append(erase, "--allow"), {"restore", d.path("backup.db"), "--force"},
	} {
		if said, code := d.plateq(args...); code != 0 {
			t.Fatalf("%s: exit %d: %s", args, code, said)
		}
	}
	a, err := app.Open(t.Context(), d.options(), app.Books)
	if err != nil {
		t.Fatal(err)
	}
	defer closeBooks(t, a)
	said, err := a.Store().Suppressions(t.Context())
	if err != nil || len(said) != 1 || !said[0].Allowed {
		t.Errorf("got %v, %v, want one who is allowed", said, err)
	}
}
