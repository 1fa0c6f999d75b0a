package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

func TestDiffSaysWhatChanged(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write(t, "next.csv", "id,plate,depot\nb,DL01AA1001,west\nc,DL01AA1002,west\n")
	p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "a.csv")
	p.ok(t, 0, "run", "next.csv", "-p", "attestr", "--simulate", "-o", "b.csv")
	out, _ := p.ok(t, 0, "list", "--simulate")
	var ids []string
	for line := range strings.Lines(out) {
		var b client.Batch
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, b.ID)
	}
	out, errs := p.ok(t, 0, "diff", ids[1], ids[0], "--simulate")
	if strings.Count(out, "\n") != 2 || !strings.Contains(out, `"change":"added","row":2`) || !strings.Contains(out, `"change":"removed"`) {
		t.Errorf("standard output: %s", out)
	}
	if !strings.Contains(errs, "1 added, 1 removed, 0 changed, 0 unclear, 1 the same") {
		t.Errorf("standard error: %s", errs)
	}
	p.ok(t, 0, "diff", ids[1], ids[0], "--simulate", "-o", "changes.csv", "--quiet")
	got, err := os.ReadFile(filepath.Join(p.dir, "changes.csv"))
	if err != nil || !strings.HasPrefix(string(got), "change,row,before_row,id,plate,vin,field,before,after,input.id,input.plate,depot\nadded,2,,c,DL01AA1002,") {
		t.Errorf("got %v\n%s", err, got)
	}
	_, errs = p.ok(t, 2, "diff", ids[0], "b_nobody", "--simulate")
	if !strings.Contains(errs, "there is no such batch: see plateq list") {
		t.Errorf("standard error: %s", errs)
	}
}
