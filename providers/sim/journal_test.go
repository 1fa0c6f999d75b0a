package sim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// reopen makes a server of the journal at path as a process does that starts after the last one was killed.
func reopen(t *testing.T, path string, opts sim.Options) *upstream {
	t.Helper()
	j, err := sim.FileJournal(path, true)
	if err != nil {
		t.Fatal(err)
	}
	opts.Journal = j
	return start(t, opts)
}

func TestRestartKnowsEverything(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	opts, clk := one(sim.Account{Credit: 100, Limits: sim.Limits{Daily: 100}})
	opts.Seed = 3
	opts.Completion = sim.Completion{Max: time.Minute}
	before := reopen(t, path, opts)
	id := before.mustSubmit(t, plates(50)...)
	clk.advance(30 * time.Second)
	want := before.mustItems(t, id, 0, 100)
	wantLedger, wantBatches := before.Ledger(), before.Stats().Batches

	// A kill in the middle of an append leaves half a line behind.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026-11-21T06:30:00Z","call":"torn","pla`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	opts.Seed = 4 // what was accepted stays as it was, whatever the new options say
	opts.Answers = sim.Answers{Errored: 1}
	opts.Completion = sim.Completion{Min: time.Hour, Max: time.Hour}
	after := reopen(t, path, opts)
	if got := after.mustItems(t, id, 0, 100); !reflect.DeepEqual(got, want) {
		t.Errorf("records: got %+v, want %+v", got, want)
	}
	if got := after.Ledger(); !reflect.DeepEqual(got, wantLedger) {
		t.Errorf("ledger: got %+v, want %+v", got, wantLedger)
	}
	if got := after.Stats().Batches; got != wantBatches {
		t.Errorf("batches: got %d, want %d", got, wantBatches)
	}
	if got := after.Accounts()[0].Credit; got != 50 {
		t.Errorf("credit: got %d, want 50", got)
	}
	if second := after.mustSubmit(t, "KA01AB1234"); second == id {
		t.Errorf("the id %s was given twice", id)
	}
	third := reopen(t, path, opts)
	if got := third.Stats().Records; got != 51 {
		t.Errorf("after the torn line: got %d records, want 51", got)
	}
}

func TestRestartKnowsAccountsAndDailyUse(t *testing.T) {
	t.Parallel()
	opts, _ := one(sim.Account{Credit: 10})
	opts.Journal = sim.MemoryJournal()
	before := start(t, opts)
	before.mustSubmit(t, plates(4)...)
	a := before.Accounts()[0]
	a.Credit, a.Token, a.Limits.Daily = 100, "changed", 2
	if err := before.SetAccount(a); err != nil {
		t.Fatal(err)
	}
	before.token = "changed"
	before.mustSubmit(t, plates(30)...)

	after := start(t, opts)
	after.submit(t, "KA01AB1234").wantCode(t, 4016)
	after.token = "changed"
	if got := after.Accounts()[0].Credit; got != 70 {
		t.Errorf("credit: got %d, want 70", got)
	}
	after.submit(t, "KA01AB1234").wantCode(t, 4293)
}

func TestJournalLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	opts, _ := one(sim.Account{Credit: 10})
	u := reopen(t, path, opts)
	id := u.mustSubmit(t, "KA01AB1234", "KA01AB1235")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c sim.Charge
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	if want := u.Ledger()[0]; !reflect.DeepEqual(c, want) || c.Call != id || c.Charged != 2 || c.Outcome != sim.Answered {
		t.Errorf("got %+v, want %+v", c, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v; want 0600", info.Mode(), err)
	}
}

func TestUnreadableJournal(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"no json\n", "{}\n", "{\"set\":{\"name\":\"\"}}\n"} {
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := sim.FileJournal(path, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sim.New(sim.Options{Journal: j}); err == nil {
			t.Errorf("journal %q: got no error", line)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := sim.FileJournal(t.TempDir(), false); err == nil {
		t.Error("a directory as journal: got no error")
	}
}

// fullDisk is a journal that refuses after so many lines.
type fullDisk struct {
	sim.Journal
	room int
}

func (d *fullDisk) Append(line []byte) error {
	if d.room--; d.room < 0 {
		return errors.New("no space left")
	}
	return d.Journal.Append(line)
}

func TestJournalThatFailsChargesNothing(t *testing.T) {
	t.Parallel()
	opts, _ := one(sim.Account{Credit: 10})
	opts.Journal = &fullDisk{sim.MemoryJournal(), 1}
	u := start(t, opts)
	u.mustSubmit(t, plates(4)...)
	u.submit(t, plates(4)...).wantCode(t, 5001)
	if got := u.Accounts()[0].Credit; got != 6 {
		t.Errorf("credit: got %d, want 6", got)
	}
	if got := len(u.Ledger()); got != 1 {
		t.Errorf("got %d charges, want 1", got)
	}
}

func TestFileJournalCutsTornLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	whole := []byte("one\ntwo\n")
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := sim.FileJournal(path, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append([]byte("three")); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := j.Replay(func(line []byte) error { got = append(got, string(line)); return nil }); err != nil {
			t.Fatal(err)
		}
		want := []string{"one", "two"}[:bytes.Count(whole[:cut], []byte("\n"))]
		if want = append(want, "three"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("cut at %d: got %v, want %v", cut, got, want)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestClosedServerChargesNothing(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	u.submit(t, "KA01AB1234").wantCode(t, 5001)
	if got := len(u.Ledger()); got != 0 {
		t.Errorf("got %d charges, want none", got)
	}
}
