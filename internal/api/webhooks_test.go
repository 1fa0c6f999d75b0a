package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

// receiver adds one and returns it.
func (w *world) receiver(t *testing.T, events string) client.NewWebhook {
	t.Helper()
	rec := w.do(t, "POST", "/v1/hooks", `{"url":"https://example.com/hook?token=canary","events":[`+events+`]}`, jsonBody)
	if rec.Code != http.StatusCreated {
		t.Fatalf("add hook: %d %s", rec.Code, rec.Body)
	}
	return decoded[client.NewWebhook](t, rec)
}

type hookPage struct{ Items []client.Webhook }

type deliveryPage struct {
	Items      []client.Delivery
	NextCursor *string `json:"next_cursor"`
}

func TestReceiversOfWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	h := w.receiver(t, `"batch.done","gate.closed"`)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h.Secret, "whsec_"))
	if err != nil || len(key) != 32 || h.State != "well" || h.Tenant != store.DefaultTenant {
		t.Errorf("got %+v, %v", h, err)
	}
	list := w.do(t, "GET", "/v1/hooks", "")
	if all := decoded[hookPage](t, list).Items; len(all) != 1 || all[0].ID != h.ID || len(all[0].Events) != 2 {
		t.Errorf("got %s", list.Body)
	}
	rec := w.do(t, "POST", "/v1/hooks/"+h.ID+"/rotate", `{"overlap_hours":1}`, jsonBody)
	rotated := decoded[client.NewWebhook](t, rec)
	if rec.Code != http.StatusOK || rotated.ID != h.ID || !strings.HasPrefix(rotated.Secret, "whsec_") || rotated.Secret == h.Secret {
		t.Errorf("rotate: %d %s", rec.Code, rec.Body)
	}
	if strings.Contains(list.Body.String(), "whsec_") {
		t.Errorf("a list holds secrets: %s", list.Body)
	}
	if rec := w.do(t, "DELETE", "/v1/hooks/"+h.ID, ""); rec.Code != http.StatusOK {
		t.Errorf("remove: %d %s", rec.Code, rec.Body)
	}
	for _, asked := range []string{"DELETE /v1/hooks/" + h.ID, "POST /v1/hooks/" + h.ID + "/rotate", "POST /v1/deliveries/dlv_1/replay"} {
		method, path, _ := strings.Cut(asked, " ")
		if rec := w.do(t, method, path, "", jsonBody); rec.Code != http.StatusNotFound {
			t.Errorf("%s: got %d %s", asked, rec.Code, rec.Body)
		}
	}
	if log := w.log.String(); strings.Contains(log, "canary") || strings.Contains(log, "whsec_") || strings.Contains(log, "example.com") {
		t.Errorf("the log tells of receivers:\n%s", log)
	}
}

func TestReceiversThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for body, want := range map[string]string{
		`{"url":"http://example.com/","events":["batch.done"]}`:      `"field":"url"`,
		`{"url":"https://127.0.0.1/","events":["batch.done"]}`:       `"field":"url"`,
		`{"url":"https://169.254.169.254/","events":["batch.done"]}`: `"field":"url"`,
		`{"url":"https://a:b@example.com/","events":["batch.done"]}`: `"field":"url"`,
		`{"url":"https://example.com/","events":[]}`:                 `"field":"events"`,
		`{"url":"https://example.com/","events":["batch.begun"]}`:    `"field":"events"`,
		`{}`: `2 of the fields cannot be accepted`,
	} {
		rec := w.do(t, "POST", "/v1/hooks", body, jsonBody)
		if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: got %d %s, want %s", body, rec.Code, rec.Body, want)
		}
	}
	for _, query := range []string{"state=lost", "event=batch.begun", "cursor=x", "tenant=a"} {
		if rec := w.do(t, "GET", "/v1/deliveries?"+query, ""); rec.Code != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", query, rec.Code, rec.Body)
		}
	}
}

func TestDeliveriesAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	h := w.receiver(t, `"batch.done"`)
	for _, plate := range []string{"DL01AA1000", "DL01AA1001", "DL01AA1002"} {
		w.answer(t, w.submitted(t, "plate\n"+plate+"\n").ID)
	}
	page := decoded[deliveryPage](t, w.do(t, "GET", "/v1/deliveries?limit=2&state=pending&event=batch.done&hook="+h.ID, ""))
	if len(page.Items) != 2 || page.NextCursor == nil {
		t.Fatalf("got %+v", page)
	}
	rest := decoded[deliveryPage](t, w.do(t, "GET", "/v1/deliveries?limit=2&cursor="+*page.NextCursor, ""))
	if len(rest.Items) != 1 || rest.NextCursor != nil || rest.Items[0].ID == page.Items[1].ID {
		t.Errorf("got %+v", rest)
	}
	d := rest.Items[0]
	if d.State != "pending" || d.Event != "batch.done" || d.Batch == nil || d.DueAt == nil || d.Status != nil {
		t.Errorf("got %+v", d)
	}
	if rec := w.do(t, "POST", "/v1/deliveries/"+d.ID+"/replay", ""); rec.Code != http.StatusOK || decoded[client.Delivery](t, rec).EventID != d.EventID {
		t.Errorf("replay: %d %s", rec.Code, rec.Body)
	}
	if one := decoded[deliveryPage](t, w.do(t, "GET", "/v1/deliveries?batch="+*d.Batch, "")); len(one.Items) != 1 {
		t.Errorf("got %+v of one batch", one)
	}
}

func TestCallbackOfABatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	list := `{"provider":"attestr","callback_url":"https://example.com/cb","items":[{"plate":"DL01AA1000"}]}`
	if rec := w.do(t, "POST", "/v1/batches", list, jsonBody); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "no_callback_secret") {
		t.Fatalf("without a secret: %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, "POST", "/v1/hooks/callbacks/rotate", "", jsonBody); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "whsec_") {
		t.Fatalf("make secret: %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, "POST", "/v1/batches", strings.Replace(list, "https", "http", 1), jsonBody); rec.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(rec.Body.String(), "callback_not_allowed") {
		t.Errorf("to http: %d %s", rec.Code, rec.Body)
	}
	if n := w.batches(t); n != 0 {
		t.Errorf("%d batches are left of what was refused", n)
	}
	rec := w.do(t, "POST", "/v1/batches?provider=attestr&callback_url=https://example.com/cb", "plate\nDL01AA1001\n", csvBody)
	if rec.Code != http.StatusCreated {
		t.Fatalf("submit: %d %s", rec.Code, rec.Body)
	}
	rec = w.do(t, "POST", "/v1/batches", list, jsonBody)
	b := decoded[client.Batch](t, rec)
	w.answer(t, b.ID)
	page := decoded[deliveryPage](t, w.do(t, "GET", "/v1/deliveries", ""))
	if len(page.Items) != 1 || *page.Items[0].Batch != b.ID {
		t.Errorf("got %+v, want what the one that is done is told", page)
	}
	hooks := decoded[hookPage](t, w.do(t, "GET", "/v1/hooks", "")).Items
	if len(hooks) != 1 || !hooks[0].Callback || hooks[0].Pending != 1 {
		t.Errorf("got %+v", hooks)
	}
}
