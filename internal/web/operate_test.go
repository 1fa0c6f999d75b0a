package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestGatesAreClosedAndOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	want(t, b.get("/providers"), http.StatusOK, "Its gates are open", "Close the gate", "Answers in the last hour")
	want(t, b.get("/providers/attestr/close"), http.StatusOK, "Close the gate of attestr?")
	want(t, b.post("/providers/attestr/close", "/providers/attestr/close", nil), http.StatusSeeOther)
	want(t, b.get("/providers?notice=gate_closed"), http.StatusOK, "by hand", "It stays closed until somebody opens it", "The gate is closed", "What happened last")
	want(t, b.get("/"), http.StatusOK, "Closed gates", "by hand")
	want(t, b.get("/providers/attestr/open?scope=attestr"), http.StatusOK, "Open the gate attestr?")
	want(t, b.post("/providers/attestr/open", "/providers/attestr/open", url.Values{"scope": {"attestr"}}), http.StatusSeeOther)
	want(t, b.get("/providers"), http.StatusOK, "Its gates are open", "opened")
	want(t, b.post("/providers/attestr/close", "/providers/none/close", nil), http.StatusNotFound)
}

func TestGatesAreOfferedToThoseWhoMayMoveThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, k := range map[string]store.APIKey{
		"who reads":   {Tenant: store.AllTenants, Scopes: []store.Scope{store.ScopeRead}},
		"of a tenant": {Tenant: "acme", Scopes: store.Scopes()},
	} {
		key, _ := w.key(t, k)
		b := w.browser(t).in(key)
		page := b.get("/providers")
		want(t, page, http.StatusOK, "Its gates are open")
		if strings.Contains(page.Body.String(), "Close the gate") {
			t.Errorf("one %s is offered to close a gate", name)
		}
		from := "/providers"
		want(t, b.post(from, "/providers/attestr/close", nil), http.StatusForbidden, "Your key does not allow this")
	}
}

func TestProvidersShowWhatWasCounted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 30, 20, 0, time.UTC)
	w := newWorldAt(t, func() time.Time { return now })
	b := w.browser(t)
	if page := b.get("/"); strings.Contains(page.Body.String(), "<svg viewBox=\"0 0 600") {
		t.Error("there is a chart of nothing")
	}
	err := w.store.AddCounts(t.Context(), []store.Count{
		{Provider: "attestr", At: now, Measure: store.MeasureFound, N: 1234},
		{Provider: "attestr", At: now, Measure: store.MeasureRequests, N: 200},
		{Provider: "attestr", At: now, Measure: store.ErrorMeasure("rate_limited"), N: 5},
		{Provider: "attestr", At: now, Measure: store.TookMeasure(1200 * time.Millisecond), N: 200},
		{Provider: "attestr", At: now, Measure: store.SpentMeasure("INR"), N: int64(12 * store.One)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, b.get("/providers"), http.StatusOK, "1,234", "1.5 s / 1.5 s", "2.5 %", "12.00 INR")
	want(t, b.get("/"), http.StatusOK, "Answers in the last hour", "Answers in the last day", "Spent in the last hour", "at most 12.00 INR a minute", "<desc", "As a table", "1,234")
}

func TestKeysAreMadeShownOnceAndRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, _ := w.key(t, store.APIKey{Name: "chief", Tenant: store.AllTenants, Scopes: store.Scopes()})
	b := w.browser(t).in(admin)
	made := b.post("/keys", "/keys", url.Values{"name": {"<b>crm</b>"}, "tenant": {"acme"}, "scope": {"read", "submit"}, "days": {"30"}})
	want(t, made, http.StatusOK, "&lt;b&gt;crm", "never again")
	secret := regexp.MustCompile(`plq_[a-z0-9]+_[A-Za-z0-9_-]+`).FindString(made.Body.String())
	if secret == "" {
		t.Fatalf("the key is not shown: %s", made.Body)
	}
	list := b.get("/keys")
	want(t, list, http.StatusOK, "acme", "chief", "yours")
	if strings.Contains(list.Body.String(), secret) {
		t.Error("the key is shown again")
	}
	holder := w.browser(t).in(secret)
	want(t, holder.get("/batches"), http.StatusOK, "Batches")
	want(t, holder.get("/keys"), http.StatusForbidden, "admin")
	id := strings.Split(secret, "_")[1]
	want(t, b.get("/keys/"+id+"/revoke"), http.StatusOK, "Revoke the key")
	want(t, b.post("/keys/"+id+"/revoke", "/keys/"+id+"/revoke", nil), http.StatusSeeOther)
	want(t, b.get("/keys"), http.StatusOK, "revoked")
	want(t, holder.get("/batches"), http.StatusSeeOther)
	want(t, b.get("/access"), http.StatusOK, "key.made", "key.revoked")
	want(t, b.get("/access?kind=key.revoked&who="), http.StatusOK, id)
	want(t, b.get("/keys/none/revoke"), http.StatusNotFound)
	for name, fields := range map[string]url.Values{
		"no scope": {"name": {"x"}}, "no days": {"name": {"x"}, "scope": {"read"}, "days": {"soon"}},
	} {
		if rec := b.post("/keys", "/keys", fields); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s, want 422", name, rec.Code, rec.Body)
		}
	}
}

func TestWebhooksAreReplayedAndRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	want(t, b.get("/webhooks"), http.StatusOK, "Nobody is told of anything", "Nothing was told yet")
	h, err := w.store.AddHook(t.Context(), store.NewHook{URL: "https://example.com/in", Events: []store.EventKind{store.EventGateClosed}, Secret: []byte("0123456789012345678901234")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.store.SetGates(t.Context(), store.GateChanges{Close: []store.GateClose{{Scope: "attestr", Class: providers.OutOfCredit}}})
	if err != nil {
		t.Fatal(err)
	}
	page := b.get("/webhooks?state=pending")
	want(t, page, http.StatusOK, "https://example.com/in", "gate.closed", "pending", "Replay")
	id := regexp.MustCompile(`/webhooks/deliveries/([^/]+)/replay`).FindStringSubmatch(page.Body.String())
	if id == nil {
		t.Fatal("no delivery to replay")
	}
	want(t, b.post("/webhooks", "/webhooks/deliveries/"+id[1]+"/replay", nil), http.StatusSeeOther)
	want(t, b.post("/webhooks", "/webhooks/deliveries/dlv_none/replay", nil), http.StatusNotFound)
	want(t, b.get("/webhooks/"+h.ID+"/rotate"), http.StatusOK, "new secret")
	want(t, b.post("/webhooks/"+h.ID+"/rotate", "/webhooks/"+h.ID+"/rotate", nil), http.StatusOK, "whsec_")
	want(t, b.get("/webhooks?state=failed"), http.StatusOK, "No delivery is like that")
}

func TestQueuesAreSteered(t *testing.T) {
	t.Parallel()
	redis := jobs.OpenEmbedded()
	t.Cleanup(func() { _ = redis.Close() })
	w := newWorldOf(t, time.Now, func(o *api.Options) { o.Queues = jobs.NewQueues(redis) })
	b := w.browser(t)
	want(t, b.get("/queues"), http.StatusOK, "Nothing was ever enqueued", "Nobody takes tasks")
	w.submitted(t, "", "plate\nKA01AB1234\n")
	e := jobs.NewEnqueuer(jobs.EnqueuerOptions{Store: w.store, Providers: w.set, Limits: map[string]jobs.Limits{"attestr": {}}, Redis: redis, Now: time.Now})
	if n, err := e.Fill(t.Context(), "attestr"); err != nil || n != 1 {
		t.Fatalf("rang for %d chunks, %v, want 1", n, err)
	}
	want(t, b.get("/queues"), http.StatusOK, "attestr", "running", "Pause")
	want(t, b.post("/queues", "/queues/attestr/pause", nil), http.StatusSeeOther)
	want(t, b.get("/queues"), http.StatusOK, "paused", "Resume")
	want(t, b.post("/queues", "/queues/attestr/resume", nil), http.StatusSeeOther)
	page := b.get("/queues/attestr")
	want(t, page, http.StatusOK, "chunk:send", "Archive", "Delete")
	task := regexp.MustCompile(`action="(/queues/attestr/tasks/[^"]+)/archive"`).FindStringSubmatch(page.Body.String())
	if task == nil {
		t.Fatal("no task to move")
	}
	want(t, b.post("/queues/attestr", task[1]+"/archive", nil), http.StatusSeeOther)
	want(t, b.get("/queues/attestr?state=archived"), http.StatusOK, "archived", "Run")
	want(t, b.post("/queues/attestr?state=archived", task[1]+"/run", nil), http.StatusSeeOther)
	want(t, b.get(task[1]+"/delete"), http.StatusOK, "Delete the task")
	want(t, b.post(task[1]+"/delete", task[1]+"/delete", nil), http.StatusSeeOther)
	want(t, b.get("/queues/attestr"), http.StatusOK, "No task of the queue is pending")
}

func TestNoQueuesWithoutRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want(t, w.browser(t).get("/queues"), http.StatusOK, "This process has no Redis")
}

func TestBatchShowsWhatHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	id := w.submitted(t, "", "plate\nKA01AB1234\n")
	want(t, b.post("/batches/"+id, "/batches/"+id+"/pause", nil), http.StatusSeeOther)
	want(t, b.get("/batches/"+id), http.StatusOK, "What happened", "accepted", "paused: asked for")
}
