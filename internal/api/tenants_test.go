package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// owned is what a tenant has, and words that only it may read.
type owned struct {
	header, key string // that shows its key, and the id of that
	batch       string
	hook        string
	delivery    string
	call        store.CallID
	words       []string
}

// own gives a tenant one of everything.
func (w *world) own(t *testing.T, tenant, plate string) owned {
	t.Helper()
	o := owned{}
	o.header, o.key = w.key(t, store.APIKey{Tenant: tenant, Scopes: store.Scopes()})
	rec := w.do(t, "POST", "/v1/hooks", `{"url":"https://`+tenant+`.example.com/","events":["batch.done"]}`, jsonBody, o.header)
	if rec.Code != http.StatusCreated {
		t.Fatalf("add hook: %d %s", rec.Code, rec.Body)
	}
	o.hook = decoded[client.NewWebhook](t, rec).ID
	rec = w.do(t, "POST", "/v1/batches?provider=attestr&name=list+of+"+tenant, "plate\n"+plate+"\n", csvBody, o.header)
	if rec.Code != http.StatusCreated {
		t.Fatalf("submit: %d %s", rec.Code, rec.Body)
	}
	o.batch = decoded[client.Batch](t, rec).ID
	o.call = w.called(t, o.batch, store.Verdict{To: store.Unknown})
	for _, scope := range []string{"batch:" + o.batch, "tenant:" + tenant + ":day"} {
		if rec := w.do(t, "PUT", "/v1/budgets/"+scope, `{"amount":"1000"}`, jsonBody, o.header); rec.Code != http.StatusOK {
			t.Fatalf("set budget: %d %s", rec.Code, rec.Body)
		}
	}
	told, err := w.store.Deliveries(t.Context(), store.DeliveryFilter{Tenant: tenant})
	if err != nil || len(told) == 0 {
		t.Fatalf("nothing is told of the list: %v", err)
	}
	o.delivery = told[0].ID
	o.words = []string{o.batch, "list of " + tenant, plate, "tenant:" + tenant, `"tenant":"` + tenant, o.key, o.hook, o.delivery, tenant + ".example.com"}
	return o
}

// TestTenantsSeeOnlyTheirOwn asks for every route as a tenant that names what
// another one has. What it names is not there, and lists have nothing of it.
func TestTenantsSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	acme, other := w.own(t, "acme", "DL01AA1000"), w.own(t, "other", "DL01AA1001")
	whole, _ := w.key(t, store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()})
	if rec := w.do(t, "PUT", "/v1/budgets/provider:attestr:day", `{"amount":"7000"}`, jsonBody, whole); rec.Code != http.StatusOK {
		t.Fatalf("set budget of a provider: %d %s", rec.Code, rec.Body)
	}
	common := []string{"provider:attestr", `"decoded"`} // what all tenants spend and have open together
	decide := fmt.Sprintf(`{"call":%d,"reason":"mine"}`, acme.call)
	adopt := fmt.Sprintf(`{"call":%d,"ticket":"T-1"}`, acme.call)
	schedule := w.scheduled(t, acme.batch)
	tests := map[string]struct {
		path, body string
		want       int // 0: a list, which is answered without what others have
	}{
		"GET /v1/batches":                            {},
		"GET /v1/batches/{id}":                       {want: 404},
		"GET /v1/batches/{id}/results":               {want: 404},
		"GET /v1/batches/{id}/events":                {want: 404},
		"GET /v1/batches/{id}/changes":               {path: "/v1/batches/" + other.batch + "/changes?since=" + acme.batch, want: 404},
		"POST /v1/lookups":                           {path: "/v1/lookups?wait=0", body: `{"provider":"attestr","item":{"plate":"DL01AA1000"}}`},
		"POST /v1/batches/{id}/pause":                {want: 404},
		"POST /v1/batches/{id}/resume":               {want: 404},
		"POST /v1/batches/{id}/cancel":               {want: 404},
		"POST /v1/batches/{id}/poll":                 {want: 404},
		"POST /v1/batches/{id}/retry":                {want: 404},
		"GET /v1/ledger":                             {},
		"GET /v1/ledger?batch=":                      {path: "/v1/ledger?batch=" + acme.batch, want: 404},
		"GET /v1/ledger/totals":                      {path: "/v1/ledger/totals?by=batch"},
		"GET /v1/ledger/totals?batch=":               {path: "/v1/ledger/totals?batch=" + acme.batch, want: 404},
		"GET /v1/budgets":                            {},
		"GET /v1/budgets?batch=":                     {path: "/v1/budgets?batch=" + acme.batch, want: 404},
		"PUT /v1/budgets/{scope}":                    {path: "/v1/budgets/batch:" + acme.batch, body: `{"amount":"1"}`, want: 404},
		"PUT /v1/budgets/tenant":                     {path: "/v1/budgets/tenant:acme:day", body: `{"amount":"1"}`, want: 422},
		"PUT /v1/budgets/provider":                   {path: "/v1/budgets/provider:attestr:day", body: `{"amount":"1"}`, want: 403},
		"DELETE /v1/budgets/{scope}":                 {path: "/v1/budgets/batch:" + acme.batch, want: 404},
		"DELETE /v1/budgets/tenant":                  {path: "/v1/budgets/tenant:acme:day", want: 422},
		"DELETE /v1/budgets/provider":                {path: "/v1/budgets/provider:attestr:day", want: 403},
		"GET /v1/unknown":                            {path: "/v1/unknown?decisions=true"},
		"GET /v1/unknown?batch=":                     {path: "/v1/unknown?batch=" + acme.batch, want: 404},
		"POST /v1/unknown/resend":                    {body: decide, want: 404},
		"POST /v1/unknown/give-up":                   {body: decide, want: 404},
		"POST /v1/unknown/adopt":                     {body: adopt, want: 404},
		"GET /v1/providers":                          {path: "/v1/providers?balance=true"},
		"POST /v1/providers/{name}/open":             {path: "/v1/providers/attestr/open", want: 403},
		"POST /v1/providers/{name}/close":            {path: "/v1/providers/attestr/close", want: 403},
		"GET /v1/providers/{name}/history":           {path: "/v1/providers/attestr/history"},
		"GET /v1/batches/{id}/timeline":              {want: 404},
		"GET /v1/series":                             {want: 403},
		"GET /v1/queues":                             {want: 403},
		"POST /v1/queues/{queue}/pause":              {path: "/v1/queues/attestr/pause", want: 403},
		"POST /v1/queues/{queue}/resume":             {path: "/v1/queues/attestr/resume", want: 403},
		"GET /v1/queues/{queue}/tasks":               {path: "/v1/queues/attestr/tasks", want: 403},
		"POST /v1/queues/{queue}/tasks/{id}/run":     {path: "/v1/queues/attestr/tasks/x/run", want: 403},
		"POST /v1/queues/{queue}/tasks/{id}/archive": {path: "/v1/queues/attestr/tasks/x/archive", want: 403},
		"DELETE /v1/queues/{queue}/tasks/{id}":       {path: "/v1/queues/attestr/tasks/x", want: 403},
		"GET /v1/hooks":                              {},
		"POST /v1/hooks":                             {body: `{"url":"https://example.com/","events":["batch.done"]}`},
		"DELETE /v1/hooks/{id}":                      {path: "/v1/hooks/" + acme.hook, want: 404},
		"POST /v1/hooks/{id}/rotate":                 {path: "/v1/hooks/" + acme.hook + "/rotate", want: 404},
		"GET /v1/deliveries":                         {},
		"GET /v1/deliveries?batch=":                  {path: "/v1/deliveries?batch=" + acme.batch},
		"POST /v1/deliveries/{id}/replay":            {path: "/v1/deliveries/" + acme.delivery + "/replay", want: 404},
		"GET /v1/audit":                              {},
		"GET /v1/audit?about=":                       {path: "/v1/audit?about=" + acme.batch},
		"GET /v1/audit/verify":                       {want: 403},
		"GET /v1/keys":                               {},
		"POST /v1/keys":                              {body: `{"name":"mine","tenant":"acme","scopes":["read"]}`, want: 403},
		"POST /v1/keys of all":                       {path: "/v1/keys", body: `{"name":"mine","tenant":"*","scopes":["read"]}`, want: 403},
		"DELETE /v1/keys/{id}":                       {path: "/v1/keys/" + acme.key, want: 404},
		"POST /v1/batches":                           {path: "/v1/batches", body: `{"provider":"attestr","items":[{"plate":"DL01AA1000"}]}`},
		"POST /v1/estimates":                         {body: `{"provider":"attestr","items":[{"plate":"DL01AA1002"}]}`},
		"POST /v1/estimates/problems":                {body: `{"provider":"attestr","items":[{"plate":"DL01AA1002"}]}`},
		"GET /healthz":                               {},
		"GET /readyz":                                {},
		"GET /openapi.json":                          {},
		"GET /docs":                                  {},
		"GET /docs.css":                              {},
		"POST /v1/schedules":                         {body: `{"batch":"` + acme.batch + `","cron":"@daily"}`, want: 404},
		"GET /v1/schedules":                          {},
		"GET /v1/schedules/{id}":                     {path: "/v1/schedules/" + schedule, want: 404},
		"POST /v1/schedules/{id}/pause":              {path: "/v1/schedules/" + schedule + "/pause", want: 404},
		"POST /v1/schedules/{id}/resume":             {path: "/v1/schedules/" + schedule + "/resume", want: 404},
		"POST /v1/schedules/{id}/run":                {path: "/v1/schedules/" + schedule + "/run", want: 404},
		"DELETE /v1/schedules/{id}":                  {path: "/v1/schedules/" + schedule, want: 404},
	}
	for _, pattern := range apiRoutes() {
		if _, ok := tests[pattern]; !ok {
			t.Errorf("%s is not tried", pattern)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		method, path, _ := strings.Cut(name, " ")
		if tt.path != "" {
			path = tt.path
		}
		path = strings.ReplaceAll(path, "{id}", acme.batch)
		rec := w.do(t, method, path, tt.body, other.header, jsonBody)
		if got := rec.Code; got != tt.want && (tt.want != 0 || got/100 != 2) {
			t.Errorf("%s: got %d %s, want %d", name, got, rec.Body, tt.want)
		}
		if tt.want == 0 {
			for _, word := range append(acme.words, common...) {
				if strings.Contains(rec.Body.String(), word) && !strings.Contains(tt.body, word) {
					t.Errorf("%s shows %q of another tenant: %s", name, word, rec.Body)
				}
			}
		}
	}
	w.ownsAll(t, acme)
	if rec := w.do(t, "GET", "/v1/budgets", "", whole); !strings.Contains(rec.Body.String(), "provider:attestr") || !strings.Contains(rec.Body.String(), "tenant:acme") {
		t.Errorf("a key of all tenants sees budgets %s", rec.Body)
	}
}

// ownsAll demands that a tenant has what it had, and sees it: so the lists
// above had something to show.
func (w *world) ownsAll(t *testing.T, o owned) {
	t.Helper()
	for path, word := range map[string]string{
		"/v1/batches": o.batch, "/v1/batches/" + o.batch: o.words[1], "/v1/batches/" + o.batch + "/results": o.words[2], "/v1/ledger": o.batch,
		"/v1/ledger/totals?by=batch": o.batch, "/v1/budgets": o.words[3], "/v1/budgets?batch=" + o.batch: o.words[3],
		"/v1/unknown": o.batch, "/v1/keys": o.key,
	} {
		rec := w.do(t, "GET", path, "", o.header)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), word) {
			t.Errorf("%s as its owner: got %d %s, want %q in it", path, rec.Code, rec.Body, word)
		}
	}
}

func TestTenantsDoNotShareAnswers(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	acme, other := w.own(t, "acme", "DL01AA1000"), w.own(t, "other", "DL01AA1000")
	if acme.call == other.call {
		t.Error("two tenants share a call")
	}
	e := decoded[client.Estimate](t, w.do(t, "POST", "/v1/estimates", `{"provider":"attestr","items":[{"plate":"DL01AA1001"}]}`, jsonBody, other.header))
	if e.Questions != 1 {
		t.Errorf("estimate %+v, want a question of its own", e)
	}
}
