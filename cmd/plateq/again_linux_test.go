package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

// What nobody saw the answer to may have been charged, and whoever asks again is
// told so first.
func TestARetryWarnsOfWhatMayBePaidTwice(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.misled(t, "charge_then_close")
	p.write(t, "bills.csv", bills(2))
	_, _, _ = p.plateq(t, "run", "bills.csv", "-p", "aopay", "--set", "operator=311", "-o", "out.csv")
	var b client.Batch
	if out, _ := p.ok(t, 0, "list"); json.Unmarshal([]byte(out), &b) != nil {
		t.Fatal(out)
	}
	p.ok(t, 0, "unknown", "give-up", "--batch", b.ID, "--reason", "they do not know")
	const warning = "2 of the failed rows may have been charged already"
	if _, errs := p.ok(t, 0, "retry", b.ID, "--dry-run"); strings.Count(errs, warning) != 1 {
		t.Errorf("a dry run says %s", errs)
	}
	code, shown := p.onTerminal(t, "n\n", "retry", b.ID)
	if warned, asked := strings.Index(shown, warning), strings.Index(shown, "ask again about 2 rows"); code != 130 || warned < 0 || asked < warned {
		t.Errorf("on a terminal: exit %d, %s", code, shown)
	}
	if _, errs := p.ok(t, 0, "retry", b.ID); strings.Count(errs, warning) != 1 {
		t.Errorf("where nobody is asked it says %s", errs)
	}
}
