package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

// A command whose output could not be written says so, and nothing of what it
// says only once that is kept.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	p := newPlace(t, "PLATEQ_HOOKS_ALLOW=127.0.0.1")
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	var b client.Batch
	if out, _ := p.ok(t, 0, "list", "--simulate"); json.Unmarshal([]byte(out), &b) != nil {
		t.Fatal(out)
	}
	for _, args := range []string{
		"config", "config --json", "config --make-keys", "version", "providers", "providers --json", "completion bash", "secrets new",
		"audit verify --simulate", "audit list --simulate", "audit incident --since 2020-01-01 --simulate", "check --simulate",
		"list --simulate", "ledger --simulate", "ledger --csv --simulate", "ledger --by day --simulate",
		"status --simulate " + b.ID, "results --simulate " + b.ID, "poll --simulate " + b.ID, "retry --simulate --dry-run " + b.ID,
		"estimate fleet.csv -p attestr --simulate", "unknown list --decided --simulate", "hooks add http://127.0.0.1:1/ --events batch.done --simulate",
		"keys create --name x --scope read --simulate", "keys list --simulate", "doctor --local",
		"gate open attestr --simulate", "erase --plate DL01AA1000 --dry-run --simulate",
	} {
		cmd := p.command(t.Context(), strings.Fields(args)...)
		var errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &errs
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("plateq %s: exit %d, want 1: %s", args, code, &errs)
		}
		if strings.Contains(errs.String(), "keep") {
			t.Errorf("plateq %s: nothing was written, and it says %s", args, &errs)
		}
	}
}
