package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv", "--quiet")
	if _, errs := p.ok(t, 0, "backup", "b.db", "--simulate"); !strings.Contains(errs, "the keys are not in it") {
		t.Errorf("got %q", errs)
	}
	for _, tt := range []struct{ args, want string }{
		{"backup b.db --simulate", "the file exists"},
		{"backup c.db", "there is no store"},
		{"restore b.db --simulate", "--force moves it aside"},
		{"restore fleet.csv --simulate --force", "is not a plateq store"},
		{"restore none.db --simulate --force", "none.db"},
	} {
		if _, errs := p.ok(t, 2, strings.Fields(tt.args)...); !strings.Contains(errs, tt.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: got %q, want one line with %q", tt.args, errs, tt.want)
		}
	}
	if _, errs := p.ok(t, 0, "restore", "b.db", "--simulate", "--force"); !strings.Contains(errs, "next: plateq check --accept-restore --simulate") {
		t.Errorf("got %q", errs)
	}
	const held = "restored from a backup"
	for _, args := range []string{"check --simulate", "run fleet.csv -p attestr --simulate -o out.csv"} {
		if _, errs := p.ok(t, 1, strings.Fields(args)...); !strings.Contains(errs, held) || !strings.Contains(errs, "plateq check --accept-restore") {
			t.Errorf("%s: got %q", args, errs)
		}
	}
	p.ok(t, 0, "list", "--simulate")
	if _, errs := p.ok(t, 0, "check", "--accept-restore", "--simulate"); !strings.Contains(errs, "paid for once more") {
		t.Errorf("got %q", errs)
	}
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	if aside, _ := filepath.Glob(filepath.Join(p.dir, "plateq-data", "simulated", "before-restore-*", "plateq.db")); len(aside) != 1 {
		t.Errorf("the old store is not aside: %v", aside)
	}
	if left, _ := os.ReadDir(filepath.Join(p.dir, "plateq-data", "simulated")); len(left) > 9 {
		t.Errorf("left over: %v", left)
	}
}
