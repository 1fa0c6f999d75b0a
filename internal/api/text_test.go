package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// unreadable are texts that are none: PostgreSQL can hold neither bytes that
// are no UTF-8 nor NUL, and nobody names anything by a control character.
var unreadable = []string{"\x00", "a\x00b", "\xff\xfe", "b_\xc3\x28", "b_aaaaaaaaaaaaaaaaaaaa\x00.csv", "\x1b[31m", "a\x7fb", "a\u0085b"}

// TestWhatIsNoTextNamesNothing: in a path it leads nowhere and in a query it is
// refused, whatever the route and the store, and the log has no error of it.
func TestWhatIsNoTextNamesNothing(t *testing.T) {
	t.Parallel()
	overEachStore(t, func(t *testing.T, w *world) {
		paths, queries := 0, 0
		b := w.submitted(t, "plate\nDL01AA1000\n")
		for pattern, op := range w.operations(t) {
			media := jsonBody
			if op.RequestBody != nil && op.RequestBody.Content["text/csv"].Schema != nil {
				media = csvBody
			}
			method, own := filled(strings.Replace(pattern, "{name}", "attestr", 1), b.ID)
			for _, text := range unreadable {
				if strings.Contains(pattern, "{") {
					_, path := filled(pattern, text)
					paths++
					if rec := w.do(t, method, path, "{}", media); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), noSuch(pattern)) {
						t.Errorf("%s %s: got %d %s, want 404 %s", method, path, rec.Code, rec.Body, noSuch(pattern))
					}
				}
				for _, p := range op.Parameters {
					if p.In != "query" {
						continue
					}
					queries++
					path := own + "?" + url.Values{p.Name: {text}}.Encode()
					if rec := w.do(t, method, path, "{}", media); rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), `"bad_query"`) {
						t.Errorf("%s %s: got %d %s, want 400", method, path, rec.Code, rec.Body)
					}
				}
			}
		}
		if paths < 100 || queries < 300 {
			t.Errorf("%d paths and %d queries were tried", paths, queries)
		}
		if log := w.log.String(); strings.Contains(log, `"level":"error"`) {
			t.Errorf("the log has an error: %.500s", log[strings.Index(log, `"level":"error"`):])
		}
	})
}

// noSuch is the code with which a route says that there is nothing of a name; ""
// of webhooks, which are answered by a status alone.
func noSuch(pattern string) string {
	_, below, _ := strings.Cut(pattern, "/v1/")
	kind, _, _ := strings.Cut(below, "/")
	return map[string]string{
		"batches": "no_such_batch", "schedules": "no_such_schedule", "budgets": "no_such_budget", "keys": "no_such_key", "hooks": "no_such_hook",
		"deliveries": "no_such_delivery", "queues": "no_such_queue", "providers": "no_such_provider",
	}[kind]
}

// TestATextOfABodyIsOne: small bodies and envelopes hold nothing that a store
// could not keep, whatever the store.
func TestATextOfABodyIsOne(t *testing.T) {
	t.Parallel()
	overEachStore(t, func(t *testing.T, w *world) {
		b := w.submitted(t, "plate\nDL01AA1000\n")
		batches := w.batches(t)
		for _, c := range []struct{ method, path, body, field string }{
			{"POST", "/v1/keys", `{"name":"@","scopes":["read"]}`, "name"},
			{"POST", "/v1/keys", `{"name":"a","scopes":["read"],"tenant":"@"}`, "tenant"},
			{"POST", "/v1/keys", `{"name":"a","scopes":["@"]}`, "scopes"},
			{"POST", "/v1/unknown/give-up", `{"batch":"@","reason":"why"}`, "batch"},
			{"POST", "/v1/unknown/give-up", `{"all":true,"provider":"@","reason":"why"}`, "provider"},
			{"POST", "/v1/unknown/resend", `{"batch":"` + b.ID + `","reason":"@"}`, "reason"},
			{"POST", "/v1/unknown/adopt", `{"call":1,"ticket":"@"}`, "ticket"},
			{"POST", "/v1/schedules", `{"batch":"@","cron":"@daily"}`, "batch"},
			{"POST", "/v1/schedules", `{"batch":"` + b.ID + `","cron":"0 6 1 * *","zone":"@"}`, "zone"},
			{"PUT", "/v1/budgets/batch:" + b.ID, `{"amount":"1","currency":"@"}`, "currency"},
			{"POST", "/v1/hooks", `{"url":"https://example.com/@","events":["batch.done"]}`, "url"},
			{"POST", "/v1/batches/" + b.ID + "/retry", `{"class":"@"}`, "class"},
			{"POST", "/v1/batches/" + b.ID + "/retry", `{"code":"@"}`, "code"},
			{"POST", "/v1/batches", `{"provider":"@","items":[{"plate":"DL01AA1000"}]}`, "provider"},
			{"POST", "/v1/batches", `{"provider":"attestr","name":"@","items":[{"plate":"DL01AA1000"}]}`, "name"},
			{"POST", "/v1/batches", `{"provider":"attestr","callback_url":"https://example.com/@","items":[{"plate":"DL01AA1000"}]}`, "callback_url"},
			{"POST", "/v1/estimates", `{"provider":"attestr","purpose":"@","items":[{"plate":"DL01AA1000"}]}`, "purpose"},
			{"POST", "/v1/lookups?wait=0", `{"provider":"attestr","name":"@","item":{"plate":"DL01AA1000"}}`, "name"},
		} {
			for _, text := range []string{`\u0000`, `a\u0000b`, "\xff", `a\u001b[31m`, `\u0085`} {
				rec := w.do(t, c.method, c.path, strings.Replace(c.body, "@", text, 1), jsonBody)
				if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), `"field":"`+c.field+`"`) {
					t.Errorf("%s %s with %q: got %d %s, want 422 that names %s", c.method, c.path, text, rec.Code, rec.Body, c.field)
				}
			}
		}
		if n := w.batches(t); n != batches {
			t.Errorf("%d lists were made", n-batches)
		}
		if log := w.log.String(); strings.Contains(log, `"level":"error"`) {
			t.Errorf("the log has an error: %.500s", log[strings.Index(log, `"level":"error"`):])
		}
	})
}
