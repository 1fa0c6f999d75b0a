package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// acted are the acts in the log, oldest first, as "who kind tenant about (note)".
func (w *world) acted(t *testing.T) []string {
	t.Helper()
	acts, err := w.store.Acts(t.Context(), store.ActFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(acts)
	lines := make([]string, len(acts))
	for i, a := range acts {
		lines[i] = fmt.Sprintf("%s %s %s %s (%s)", a.Who, a.Kind, a.Tenant, a.About, a.Note)
	}
	return lines
}

// counted is guarded with what Options.Told is told: rows by key and act.
func counted(t *testing.T) (*world, map[string]int) {
	t.Helper()
	told := map[string]int{}
	return newWorld(t, func(a *api.Options) {
		a.Access = api.NewAccess(a.Store, api.AccessOptions{})
		a.Told = func(key string, act store.ActKind, rows int) { told[key+" "+string(act)] += rows }
	}), told
}

func TestWhoSeesWhatIsPersonalIsNoted(t *testing.T) {
	t.Parallel()
	w, told := counted(t)
	all, id := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	read, reader := w.key(t, store.APIKey{Tenant: "acme", Scopes: []store.Scope{store.ScopeRead}})
	other, _ := w.key(t, store.APIKey{Tenant: "other", Scopes: store.Scopes()})
	b := w.answered(t, all)
	results := "/v1/batches/" + b + "/results"
	ok := func(path string, headers ...string) {
		t.Helper()
		if rec := w.do(t, "GET", path, "", headers...); rec.Code != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, rec.Code, rec.Body)
		}
	}
	ok(results, all)
	ok(results, read) // masked, so that there is nothing to note
	ok(results+"?input=true&raw=true", all, "Accept: text/csv")
	ok(results+"?status=found", all, "Accept: text/csv")
	ok(results, read, "Accept: application/x-ndjson")
	ok("/v1/batches/"+b+"/changes?since="+b, all)
	ok("/v1/batches/"+b+"/changes?since="+b, all, "Accept: text/csv")
	checkProblem(t, w.do(t, "GET", results, "", other), http.StatusNotFound, "no_such_batch")
	checkProblem(t, w.do(t, "GET", results+"?raw=true", "", read, "Accept: text/csv"), http.StatusForbidden, "scope_missing")
	rec := w.do(t, "POST", "/v1/lookups?wait=0", `{"provider":"attestr","item":{"plate":"DL01AA1000"}}`, jsonBody, all)
	looked := decoded[struct{ Batch client.Batch }](t, rec).Batch.ID
	want := []string{
		"key " + id + " rows.seen acme " + b + " ()",
		"key " + id + " rows.exported acme " + b + " (csv, 3 rows, input, raw)",
		"key " + id + " rows.exported acme " + b + " (csv, 1 rows)",
		"key " + reader + " rows.exported acme " + b + " (jsonl, 3 rows, masked)",
		"key " + id + " changes.exported acme " + b + " (since " + b + ", csv, 3 rows)",
		"key " + id + " lookup acme " + looked + " ()",
	}
	if diff := cmp.Diff(want, w.acted(t)); diff != "" {
		t.Errorf("the audit log differs (-want +got):\n%s", diff)
	}
	given := map[string]int{id + " rows.seen": 3, id + " rows.exported": 4, id + " lookup": 1}
	if diff := cmp.Diff(given, told); diff != "" {
		t.Errorf("rows by key and act differ (-want +got):\n%s", diff)
	}
}

func TestWhatIsChangedAndDecidedIsNoted(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	all, id := w.key(t, store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()})
	call := func(method, path, body string) *struct{ ID string } {
		t.Helper()
		rec := w.do(t, method, path, body, jsonBody, all)
		if rec.Code >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
		return new(decoded[struct{ ID string }](t, rec))
	}
	b := w.answered(t, all)
	unknown := w.called(t, w.unanswered(t, all), store.Verdict{To: store.Unknown})
	key := call("POST", "/v1/keys", `{"name":"app","tenant":"acme","scopes":["read"]}`).ID
	call("DELETE", "/v1/keys/"+key, "")
	call("PUT", "/v1/budgets/tenant:acme:day", `{"amount":"10"}`)
	call("DELETE", "/v1/budgets/tenant:acme:day", "")
	call("PUT", "/v1/budgets/provider:attestr:day", `{"amount":"1000"}`)
	hook := call("POST", "/v1/hooks", `{"url":"https://example.com/","events":["batch.done"]}`).ID
	call("POST", "/v1/hooks/"+hook+"/rotate", `{}`)
	call("DELETE", "/v1/hooks/"+hook, "")
	schedule := call("POST", "/v1/schedules", `{"batch":"`+b+`","cron":"@daily"}`).ID
	call("DELETE", "/v1/schedules/"+schedule, "")
	call("POST", "/v1/providers/attestr/open", "")
	call("POST", "/v1/providers/attestr/open?scope=attestr/submit", "")
	call("POST", "/v1/unknown/give-up", fmt.Sprintf(`{"call":%d,"reason":"Canary Singh said so"}`, unknown))
	w.do(t, "POST", "/v1/keys", `{"name":""}`, jsonBody, all) // is refused
	by := "key " + id + " "
	want := []string{
		by + "key.made acme " + key + " (read)", by + "key.revoked acme " + key + " ()",
		by + "budget.set acme tenant:acme:day ()", by + "budget.unset acme tenant:acme:day ()", by + "budget.set * provider:attestr:day ()",
		by + "hook.added default " + hook + " ()", by + "hook.rotated default " + hook + " ()", by + "hook.removed default " + hook + " ()",
		by + "schedule.added default " + schedule + " ()", by + "schedule.removed default " + schedule + " ()",
		by + "gate.opened * attestr ()", by + "gate.opened * attestr/submit ()",
		by + fmt.Sprintf("unknown.given_up default %d ()", unknown),
	}
	if diff := cmp.Diff(want, w.acted(t)); diff != "" {
		t.Errorf("the audit log differs (-want +got):\n%s", diff)
	}
}

// unanswered is a list of one row that nobody was asked about.
func (w *world) unanswered(t *testing.T, header string) (id string) {
	t.Helper()
	rec := w.do(t, "POST", "/v1/batches?provider=attestr", "plate\nDL01AA2000\n", csvBody, header)
	return decoded[client.Batch](t, rec).ID
}

func TestTheAuditLogIsReadPageByPageAndVerified(t *testing.T) {
	t.Parallel()
	known := store.ActHead{}
	w := newWorld(t, func(o *api.Options) {
		o.Operator = "user tester"
		o.ActHeads = func() ([]store.ActHead, error) { return []store.ActHead{known}, nil }
	})
	c := dialled(t, w)
	for range 3 {
		if _, err := c.CreateKey(t.Context(), client.KeyRequest{Name: "a", Scopes: []string{"read"}}); err != nil {
			t.Fatal(err)
		}
	}
	page := decoded[struct {
		Items      []client.Act `json:"items"`
		NextCursor *string      `json:"next_cursor"`
	}](t, w.do(t, "GET", "/v1/audit?limit=2&who=user+tester&kind=key.made&from=2020-01-01", ""))
	if len(page.Items) != 2 || page.Items[0].No != 3 || page.NextCursor == nil {
		t.Fatalf("the first page is %+v", page)
	}
	rest := w.do(t, "GET", "/v1/audit?limit=2&cursor="+*page.NextCursor, "").Body.String()
	if !strings.Contains(rest, `"no":1`) || strings.Contains(rest, `"no":2`) || !strings.Contains(rest, `"next_cursor":null`) {
		t.Errorf("the second page is %s", rest)
	}
	checkProblem(t, w.do(t, "GET", "/v1/audit?kind=nothing", ""), http.StatusBadRequest, "bad_query")
	checkProblem(t, w.do(t, "GET", "/v1/audit/verify?head=x", ""), http.StatusBadRequest, "bad_query")
	r, err := c.VerifyAudit(t.Context())
	if err != nil || r.Acts != 3 || r.Broken != nil {
		t.Fatalf("got %+v, %v", r, err)
	}
	later, err := c.VerifyAudit(t.Context(), strings.Replace(r.Head, "3:", "7:", 1))
	if err != nil || later.Broken == nil || *later.Broken != 4 {
		t.Errorf("a head that is not there: got %+v, %v", later, err)
	}
	if known, err = store.ParseActHead(strings.Replace(r.Head, "3:", "2:", 1)); err != nil {
		t.Fatal(err)
	}
	if r, err = c.VerifyAudit(t.Context()); err != nil || r.Broken == nil || *r.Broken != 2 {
		t.Errorf("another head is kept outside: got %+v, %v", r, err)
	}
}

// Who cannot be written down gets nothing.
func TestWhatCannotBeNotedIsNotDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) { o.Store = mute{o.Store} })
	b := w.submitted(t, "plate\nDL01AA1000\n")
	for _, accept := range []string{"application/json", "text/csv"} {
		rec := w.do(t, "GET", "/v1/batches/"+b.ID+"/results", "", "Accept: "+accept)
		if rec.Code != http.StatusInsufficientStorage || strings.Contains(rec.Body.String(), "DL01AA1000") {
			t.Errorf("%s: got %d %s", accept, rec.Code, rec.Body)
		}
	}
	w.do(t, "POST", "/v1/keys", `{"name":"app","scopes":["read"]}`, jsonBody)
	if keys, err := w.store.APIKeys(t.Context(), ""); err != nil || len(keys) > 0 {
		t.Errorf("%d keys were made, %v", len(keys), err)
	}
}

// mute is a store whose audit log takes nothing.
type mute struct{ store.Store }

// NoteAct implements store.Trail.
func (mute) NoteAct(context.Context, store.Act) (store.Act, error) {
	return store.Act{}, store.ErrFull
}

// TestOnlyWhatIsThereIsActedUpon: the audit log is kept for years and only added
// to, so that nobody writes a text of their own into it by naming what there is
// not.
func TestOnlyWhatIsThereIsActedUpon(t *testing.T) {
	t.Parallel()
	redis := jobs.OpenEmbedded()
	t.Cleanup(func() { _ = redis.Close() })
	w := newWorld(t, func(o *api.Options) { o.Queues = jobs.NewQueues(redis) })
	for _, r := range []struct{ method, path, body string }{
		{"POST", "/v1/queues/DL01AA1000/pause", ""},
		{"POST", "/v1/queues/DL01AA1000/resume", ""},
		{"DELETE", "/v1/queues/DL01AA1000/tasks/DL01AA1000", ""},
		{"POST", "/v1/providers/DL01AA1000/open", ""},
		{"POST", "/v1/providers/DL01AA1000/close", ""},
		{"POST", "/v1/providers/attestr/open?scope=attestr/DL01AA1000", ""},
		{"POST", "/v1/providers/attestr/close?scope=attestr/DL01AA1000", ""},
		{"PUT", "/v1/budgets/provider:DL01AA1000:day", `{"amount":"1"}`},
		{"PUT", "/v1/budgets/batch:DL01AA1000", `{"amount":"1"}`},
		{"DELETE", "/v1/budgets/provider:DL01AA1000:day", ""},
		{"DELETE", "/v1/budgets/tenant:DL01AA1000:month", ""},
		{"DELETE", "/v1/budgets/batch:DL01AA1000", ""},
		{"DELETE", "/v1/keys/DL01AA1000", ""},
		{"DELETE", "/v1/hooks/DL01AA1000", ""},
		{"POST", "/v1/hooks/DL01AA1000/rotate", "{}"},
		{"POST", "/v1/schedules", `{"batch":"DL01AA1000","cron":"@daily"}`},
		{"DELETE", "/v1/schedules/DL01AA1000", ""},
		{"POST", "/v1/unknown/adopt", `{"call":1000,"ticket":"DL01AA1000"}`},
		{"GET", "/v1/batches/DL01AA1000/results", ""},
	} {
		if rec := w.do(t, r.method, r.path, r.body, jsonBody); rec.Code != http.StatusNotFound && rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s %s: got %d %s", r.method, r.path, rec.Code, rec.Body)
		}
	}
	if acts := w.acted(t); len(acts) > 0 {
		t.Errorf("the audit log has %q", acts)
	}
}

// TestABudgetThatWasSetIsTakenBack, also of a list that is done.
func TestABudgetThatWasSetIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n").ID
	scopes := []string{"batch:" + b, "tenant:acme:month", "provider:attestr:day"}
	for _, scope := range scopes {
		if rec := w.do(t, "PUT", "/v1/budgets/"+scope, `{"amount":"1"}`, jsonBody); rec.Code != http.StatusOK {
			t.Errorf("set %s: got %d %s", scope, rec.Code, rec.Body)
		}
	}
	w.answer(t, b)
	var want []string
	for _, scope := range scopes {
		if rec := w.do(t, "DELETE", "/v1/budgets/"+scope, ""); rec.Code != http.StatusOK {
			t.Errorf("unset %s: got %d %s", scope, rec.Code, rec.Body)
		}
		checkProblem(t, w.do(t, "DELETE", "/v1/budgets/"+scope, ""), http.StatusNotFound, "no_such_budget")
		want = append(want, "budget.unset "+scope)
	}
	var got []string
	for _, act := range w.acted(t) {
		if words := strings.Fields(act); slices.Contains(words, "budget.unset") {
			got = append(got, "budget.unset "+words[len(words)-2])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the audit log differs (-want +got):\n%s", diff)
	}
}
