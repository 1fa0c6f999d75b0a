package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A person is erased by a plate, and stays so when an older copy of the store
// is put back.
func TestErase(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv", "-q")
	plate := "DL01AA1000"
	p.write(t, "who.txt", "dl 01 aa-1000\n\n")
	data := filepath.Join(p.dir, "plateq-data", "simulated")
	old, err := os.ReadFile(filepath.Join(data, "plateq.db"))
	if err != nil {
		t.Fatal(err)
	}

	_, errs := p.ok(t, 2, "erase", "--simulate", "--plate", plate)
	says(t, errs, "need a --reason")
	_, errs = p.ok(t, 2, "erase", "--simulate", "--plate", plate, "--allow")
	says(t, errs, "need a --reason")
	_, errs = p.ok(t, 2, "erase", "--simulate", "--plate", plate, "--dry-run", "--reason", "to see")
	says(t, errs, "nothing else takes one")
	out, errs := p.ok(t, 0, "erase", "--simulate", "--plate", "@who.txt", "--dry-run")
	says(t, out, `"rows":2`, `"questions":1`)
	says(t, errs, "nothing was changed")
	out, _ = p.ok(t, 0, "erase", "--simulate", "--plate", plate, "--export")
	says(t, out, plate, `"purpose"`, `"result"`)

	out, errs = p.ok(t, 0, "erase", "--simulate", "--plate", "@who.txt", "--reason", "request 17")
	var act struct {
		ID       string
		Reason   string
		Verified bool
	}
	if err := json.Unmarshal([]byte(out), &act); err != nil || !act.Verified || act.Reason != "request 17" {
		t.Errorf("got %s, %v", out, err)
	}
	says(t, errs, "next: plateq erase --proof "+act.ID)
	out, _ = p.ok(t, 0, "erase", "--simulate", "--proof", act.ID)
	says(t, out, `"categories":["rows of customers' lists"`, `"ended_at"`)
	list, _ := p.ok(t, 0, "list", "--simulate", "--json")
	var batch struct{ ID string }
	if err := json.Unmarshal([]byte(strings.SplitN(list, "\n", 2)[0]), &batch); err != nil {
		t.Fatalf("%v: %s", err, list)
	}
	gone := func() {
		t.Helper()
		out, _ := p.ok(t, 0, "results", batch.ID, "--simulate", "--format", "jsonl")
		if strings.Contains(out, plate) || !strings.Contains(out, `"class":"suppressed"`) {
			t.Errorf("after the erasure the rows are\n%s", out)
		}
	}
	gone()
	p.ok(t, 0, "check", "--simulate")
	if kept, err := os.ReadFile(filepath.Join(data, "erasures")); err != nil || strings.Contains(string(kept), "1000 ") || !strings.Contains(string(kept), act.ID) {
		t.Errorf("the file of erasures: %s %v", kept, err)
	}

	if err := os.WriteFile(filepath.Join(data, "plateq.db"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	gone()
	out, _ = p.ok(t, 0, "audit", "list", "--simulate", "--kind", "person.erased")
	says(t, out, act.ID, "again, at a start")
	out, _ = p.ok(t, 0, "erase", "--simulate", "--plate", plate, "--allow", "--reason", "a new contract")
	says(t, out, `"allowed":1`)
	out, _ = p.ok(t, 0, "audit", "list", "--simulate", "--kind", "person.allowed")
	says(t, out, "1 values", "a new contract")
}
