package app_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/store"
)

// destroyed counts the rows of a results file that say they were destroyed.
func destroyed(rows []map[string]string) int {
	n := 0
	for _, r := range rows {
		if r["error.code"] == "destroyed" && r["plate"] == "" && r["status"] != "" {
			n++
		}
	}
	return n
}

// A list whose key was destroyed cannot be read any more, neither where it is
// nor out of a backup from before, and other lists can.
func TestAListIsDestroyedInBackupsToo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	gone, kept := d.list("gone.csv", plates(40)[:20]), d.list("kept.csv", plates(40)[20:])
	first, _ := d.run(t.Context(), d.runOptions(gone, "gone-out.csv"))
	d.run(t.Context(), d.runOptions(kept, "kept-out.csv"))
	before := d.read("kept-out.csv")
	if err := app.Backup(t.Context(), d.options(), d.path("backup.db")); err != nil {
		t.Fatal(err)
	}
	r := app.DestroyRequest{Lists: []string{first.Batch}, Reason: "contract 17 has ended", Agreed: func(lists, rows int) bool { return false }}
	if _, err := app.DestroyLists(t.Context(), d.options(), r); app.ExitCode(err) != app.ExitInterrupted {
		t.Errorf("nobody agreed: got %v", err)
	}
	r.Agreed = func(lists, rows int) bool { return lists == 1 && rows == 20 }
	if got, err := app.DestroyLists(t.Context(), d.options(), r); err != nil || got.Lists != 1 || got.Rows != 20 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got, err := app.DestroyLists(t.Context(), d.options(), r); err != nil || got.Lists != 0 || got.Already != 1 {
		t.Errorf("once more: got %+v, %v", got, err)
	}
	d.destroyedOnly(first.Batch, kept, before, "after its key was destroyed")
	if _, err := app.Restore(t.Context(), d.options(), d.path("backup.db"), true); err != nil {
		t.Fatal(err)
	}
	d.accept()
	d.destroyedOnly(first.Batch, kept, before, "out of a backup from before")
	if _, err := app.RotateKeys(t.Context(), d.options(), func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	d.destroyedOnly(first.Batch, kept, before, "after the next rotation")
	// The key that was retired leads to nothing either.
	text, err := os.ReadFile(d.path("data/keys.retired"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if keys, err := store.ParseSealKeys(line); err == nil && (keys[0].Lists == nil || len(keys[0].Lists.Gaps()) == 0) {
			t.Error("a retired key has the keys of all lists")
		}
	}
}

// destroyedOnly demands that a list was destroyed and another one not.
func (d *desk) destroyedOnly(batch, kept, before, when string) {
	d.t.Helper()
	if err := d.results(batch, "gone-out.csv"); err != nil {
		d.t.Fatalf("%s: %v", when, err)
	}
	if rows := d.out("gone-out.csv"); len(rows) != 20 || destroyed(rows) != 20 {
		d.t.Errorf("%s: %d of %d rows say that they were destroyed, want all 20", when, destroyed(rows), len(rows))
	}
	d.run(d.t.Context(), d.runOptions(kept, "kept-out.csv"))
	if d.read("kept-out.csv") != before {
		d.t.Errorf("%s another list reads otherwise", when)
	}
	d.check()
}

// results is `plateq results`.
func (d *desk) results(batch, out string) error {
	d.t.Helper()
	cmd := d.start("results", batch, "-o", d.path(out))
	return cmd.Wait()
}

// accept takes what was restored for the newest copy.
func (d *desk) accept() {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer closeBooks(d.t, a)
	if err := a.AcceptRestore(d.t.Context()); err != nil {
		d.t.Error(err)
	}
}

func TestListsOfAMonthAreDestroyed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	keys := strings.Fields(store.NewKeys().Lines())
	d.env = append(d.env, keys...)
	d.run(t.Context(), d.runOptions(d.list("in.csv", plates(2)), "out.csv"))
	month := time.Now().UTC()
	month = time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC)
	r := app.DestroyRequest{Tenant: store.DefaultTenant, Month: month.AddDate(0, -1, 0), Reason: "r", Agreed: func(int, int) bool { return true }}
	if got, err := app.DestroyLists(t.Context(), d.options(), r); err != nil || got.Lists != 0 {
		t.Errorf("the month before: got %d lists, %v", got.Lists, err)
	}
	r.Month = month
	got, err := app.DestroyLists(t.Context(), d.options(), r)
	if err != nil || got.Lists != 1 || got.Keys == "" || slices.Contains(keys, "PLATEQ_ENCRYPTION_KEYS="+got.Keys) {
		t.Fatalf("got %d lists, %v", got.Lists, err)
	}
	d.give("PLATEQ_ENCRYPTION_KEYS", store.FormatSealKeys([]store.SealKey{store.NewSealKey()})+","+got.Keys)
	if _, err := app.Open(t.Context(), d.options(), app.Books); err == nil || !strings.Contains(err.Error(), "make it with plateq secrets new") {
		t.Errorf("with a new key that knows nothing of it: got %v", err)
	}
	d.give("PLATEQ_ENCRYPTION_KEYS", got.Keys)
	if fresh, err := app.NewSealKey(d.options()); err != nil {
		t.Error(err)
	} else if keys, err := store.ParseSealKeys(fresh); err != nil || len(keys[0].Lists.Gaps()) != 1 {
		t.Errorf("a new key has the keys of all lists, %v", err)
	}
	if got, err := app.DestroyLists(t.Context(), d.options(), r); err != nil || got.Already != 1 {
		t.Errorf("with the new keys: got %+v, %v", got, err)
	}
}
