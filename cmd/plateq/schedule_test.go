package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

// TestAScheduleRunsAndCanBeCompared: run now, by a scheduler that does what is
// due, and held against the list that it repeats.
func TestAScheduleRunsAndCanBeCompared(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv")
	out, _ := p.ok(t, 0, "list", "--simulate")
	var b client.Batch
	if err := json.Unmarshal([]byte(out), &b); err != nil {
		t.Fatal(err)
	}
	schedule := func(code int, args ...string) (s client.Schedule, errs string) {
		t.Helper()
		out, errs := p.ok(t, code, append(append([]string{"schedule"}, args...), "--simulate")...)
		if code == 0 && out != "" {
			if err := json.Unmarshal([]byte(out), &s); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		return s, errs
	}
	s, _ := schedule(0, "add", b.ID, "--cron", "@monthly", "--zone", "Asia/Kolkata")
	schedule(0, "pause", s.ID)
	schedule(0, "run-now", s.ID)
	if _, errs := p.ok(t, 0, "scheduler", "--once", "--simulate"); !strings.Contains(errs, "next: plateq list --simulate\n") {
		t.Errorf("standard error: %s", errs)
	}
	s, _ = schedule(0, "show", s.ID)
	if s.State != "paused" || len(s.Runs) != 1 || s.Runs[0].Batch == nil {
		t.Fatalf("after it ran: %+v", s)
	}
	if _, errs := p.ok(t, 0, "diff", b.ID, *s.Runs[0].Batch, "--simulate"); !strings.Contains(errs, "0 added, 0 removed, 0 changed") {
		t.Errorf("standard error: %s", errs)
	}
	if _, errs := schedule(0, "remove", s.ID); !strings.Contains(errs, "is removed") {
		t.Errorf("standard error: %s", errs)
	}
	for args, want := range map[string]string{
		"show " + s.ID:                     "there is no such schedule: see plateq schedule list",
		"add " + b.ID:                      "--cron CRON is missing",
		"add " + b.ID + " --cron tomorrow": "it is no cron expression such as 0 6 1 * *",
	} {
		if _, errs := schedule(2, strings.Fields(args)...); !strings.Contains(errs, want) {
			t.Errorf("schedule %s: %s", args, errs)
		}
	}
}
