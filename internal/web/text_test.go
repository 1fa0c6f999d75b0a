package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
)

// TestWhatIsNoTextLeadsNowhere: not to a page, and not into an error over the
// store that is particular about it.
func TestWhatIsNoTextLeadsNowhere(t *testing.T) {
	t.Parallel()
	st, err := postgres.Open(t.Context(), postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOver(t, st, time.Now, func(*api.Options) {})
	b := w.browser(t)
	id := w.submitted(t, "", "plate\nKA01AB1234\n")
	for _, text := range []string{"\x00", "a\x00b", "\xff\xfe", "\x1b[31m"} {
		for _, page := range []string{
			"/@", "/batches/@", "/batches/@/events", "/batches/@/download?format=csv", "/batches/@/cancel", "/batches/@/retry", "/keys/@/revoke",
			"/providers/@/close", "/providers/@/open", "/queues/@", "/queues/@/tasks/x/delete", "/unknown/@/resend", "/webhooks/@/rotate",
		} {
			if rec := b.get(strings.Replace(page, "@", url.PathEscape(text), 1)); rec.Code != http.StatusNotFound {
				t.Errorf("GET %s with %q: got %d, want 404", page, text, rec.Code)
			}
		}
		for _, page := range []string{
			"/batches/@/pause", "/batches/@/rows", "/batches/@/retry", "/keys/@/revoke", "/providers/@/open", "/queues/@/pause",
			"/unknown/@/give-up", "/webhooks/deliveries/@/replay", "/webhooks/@/rotate",
		} {
			if rec := b.post("/lookup", strings.Replace(page, "@", url.PathEscape(text), 1), nil); rec.Code != http.StatusNotFound {
				t.Errorf("POST %s with %q: got %d, want 404", page, text, rec.Code)
			}
		}
		for _, page := range []string{
			"/batches?provider=", "/batches?name=", "/access?who=", "/access?about=", "/unknown?provider=", "/unknown?batch=", "/webhooks?hook=",
			"/webhooks?batch=", "/batches/" + id + "?status=", "/batches/" + id + "?cursor=",
		} {
			if rec := b.get(page + url.QueryEscape(text)); rec.Code != http.StatusBadRequest {
				t.Errorf("GET %s%q: got %d, want 400", page, text, rec.Code)
			}
		}
		for page, fields := range map[string]url.Values{
			"/batches/" + id + "/retry": {"class": {text}},
			"/providers/attestr/open":   {"scope": {text}},
			"/lookup":                   {"provider": {text}, "plate": {"KA01AB1234"}},
			"/login":                    {"key": {text}},
			"/unknown/1/give-up":        {"reason": {text}},
		} {
			if rec := b.post("/lookup", page, fields); rec.Code >= http.StatusInternalServerError {
				t.Errorf("POST %s with %q: got %d", page, fields, rec.Code)
			}
		}
	}
	want(t, b.post("/keys", "/keys", url.Values{"name": {"a\x00b"}, "scope": {"read"}}), http.StatusUnprocessableEntity, "it holds a control character")
	if log := w.log.String(); strings.Contains(log, `"level":"error"`) {
		t.Errorf("the log has an error: %.500s", log[strings.Index(log, `"level":"error"`):])
	}
}
