package app_test

import (
	"os"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
)

// machines is a fleet of which each process belongs to one machine, with a data
// directory and so a file of erasures of its own.
type machines struct{ *fleet }

func (m machines) does(machine string, args ...string) {
	m.t.Helper()
	m.give("PLATEQ_DATA_DIR", m.path(machine))
	if said, code := m.plateq(append([]string{"erase", "--plate", answeredPlate, "--yes"}, args...)...); code != 0 {
		m.t.Fatalf("erase %s on machine %s: exit %d: %s", args, machine, code, said)
	}
}

func (m machines) erases(machine string) {
	m.t.Helper()
	m.does(machine, "--reason", "request 17")
}

func (m machines) allows(machine string) {
	m.t.Helper()
	m.does(machine, "--allow", "--reason", "contract 17")
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
