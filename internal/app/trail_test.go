package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/store"
)

// verified is what plateq audit verify finds in the desk's store.
func (d *desk) verified() (r struct {
	Acts   int
	Head   string
	Broken int64
	Reason string
}) {
	d.t.Helper()
	a, err := app.Open(d.t.Context(), d.options(), app.Books)
	if err != nil {
		d.t.Fatal(err)
	}
	defer closeBooks(d.t, a)
	rec := httptest.NewRecorder()
	a.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(d.t.Context(), "GET", "http://localhost/v1/audit/verify", nil))
	if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Code != 200 {
		d.t.Fatalf("verify: %d %s %v", rec.Code, rec.Body, err)
	}
	return r
}

// The newest acts cannot be cut off unseen: how far the log went is known
// beside the store.
func TestAnAuditLogThatWasCutOffIsFound(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, brisk()))
	in := d.list("in.csv", plates(3))
	for range 2 { // the second writes the file again
		if _, code := d.run(t.Context(), d.runOptions(in, "out.csv")); code != app.ExitOK && code != app.ExitPartial {
			t.Fatalf("exit %d", code)
		}
	}
	if r := d.verified(); r.Acts != 2 || r.Broken != 0 {
		t.Fatalf("got %+v, want two exports", r)
	}
	kept, err := os.ReadFile(d.path("data/audit-head"))
	if err != nil || !strings.Contains(string(kept), " 2:") {
		t.Fatalf("beside the store is kept: %s, %v", kept, err)
	}
	c, err := sqlite.OpenConn(d.path("data/plateq.db"))
	if err != nil {
		t.Fatal(err)
	}
	cut := sqlitex.ExecuteScript(c, "DROP TRIGGER acts_keep; DELETE FROM acts WHERE no = 2;", nil)
	if err := errors.Join(cut, c.Close()); err != nil {
		t.Fatal(err)
	}
	if r := d.verified(); r.Acts != 1 || r.Broken != 2 || !strings.Contains(r.Reason, "missing") {
		t.Errorf("got %+v, want the second to be missing", r)
	}
	// What is done since takes its number, and does not cover it up.
	d.run(t.Context(), d.runOptions(in, "out.csv"))
	if r := d.verified(); r.Broken != 2 {
		t.Errorf("after another act: got %+v, want the second to be another one", r)
	}
	a, err := app.Open(t.Context(), d.options(), app.Books)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.AcceptRestore(t.Context()); err != nil {
		t.Fatal(err)
	}
	acts, err := a.Store().Acts(t.Context(), store.ActFilter{Limit: 1})
	closeBooks(t, a)
	_, head, _ := strings.Cut(strings.TrimSpace(string(kept)), " ")
	if want := "known until then " + head; err != nil || len(acts) != 1 || acts[0].Note != want {
		t.Errorf("accepted with %s, want %s", fmt.Sprint(acts), want)
	}
	if r := d.verified(); r.Broken != 0 || r.Acts != 3 {
		t.Errorf("accepted: got %+v, want three acts", r)
	}
}
