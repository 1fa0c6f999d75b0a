package app_test

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
)

// TestAReasonIsText: what is kept of why something was done can be kept by any
// store. A reason that cannot is refused before anything is done.
func TestAReasonIsText(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(*testing.T) []string{
		"SQLite": func(*testing.T) []string { return nil },
		"PostgreSQL": func(t *testing.T) []string {
			return append(strings.Fields(app.NewKeys()), "PLATEQ_DATABASE_URL="+pgtest.Schema(t))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, standIn(t, brisk()), env(t)...)
			e, err := app.OpenErasing(t.Context(), d.options(), []app.Person{{Kind: app.ByPlate, Value: "DL01AA1000"}})
			if err != nil {
				t.Fatal(err)
			}
			told := func(int) {}
			if _, err := e.Erase(t.Context(), "request \xff", told); app.ExitCode(err) != app.ExitUsage {
				t.Errorf("erase: got %v, want a usage error", err)
			}
			if done, err := e.Erasures(t.Context()); len(done) > 0 || err != nil {
				t.Errorf("got %v, %v: something was erased", done, err)
			}
			if _, err := e.Erase(t.Context(), "request 17", told); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Allow(t.Context(), "contract \xff"); app.ExitCode(err) != app.ExitUsage {
				t.Errorf("allow: got %v, want a usage error", err)
			}
			if n, err := e.Allow(t.Context(), "contract 17"); n != 1 || err != nil {
				t.Errorf("got %d, %v, want one who was suppressed until now", n, err)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			r := app.DestroyRequest{Tenant: store.DefaultTenant, Reason: "contract \xff", Agreed: func(int, int) bool { return true }}
			if _, err := app.DestroyLists(t.Context(), d.options(), r); app.ExitCode(err) != app.ExitUsage || !strings.Contains(err.Error(), "UTF-8") {
				t.Errorf("destroy: got %v, want a usage error", err)
			}
			r.Lists, r.Reason = []string{"b_\xff"}, "contract 17"
			if _, err := app.DestroyLists(t.Context(), d.options(), r); app.ExitCode(err) != app.ExitUsage || !strings.Contains(err.Error(), "UTF-8") {
				t.Errorf("destroy: got %v, want a usage error", err)
			}
		})
	}
}
