package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

type lookedUp struct {
	Batch client.Batch `json:"batch"`
	Row   client.Row   `json:"row"`
}

const onePlate = `{"provider":"attestr","item":{"plate":"DL01AA1000","id":"mine"}}`

func TestALookUpWaitsForItsAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- w.do(t, "POST", "/v1/lookups", onePlate, jsonBody) }()
	<-w.wakes
	all, err := w.store.Batches(t.Context(), store.BatchFilter{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d batches, %v", len(all), err)
	}
	w.answer(t, all[0].ID)
	rec := <-done
	got := decoded[lookedUp](t, rec)
	if rec.Code != 200 || got.Row.Status != client.RowFound || *got.Row.ID != "mine" || got.Batch.ID != all[0].ID ||
		rec.Header().Get("Location") != "/v1/batches/"+all[0].ID {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

func TestALookUpThatIsNotAnsweredInTimeGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, query := range []string{"?wait=0", "?wait=1"} {
		rec := w.do(t, "POST", "/v1/lookups"+query, onePlate, jsonBody)
		got := decoded[lookedUp](t, rec)
		if rec.Code != 202 || got.Row.Status != client.RowQueued || rec.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s", query, rec.Code, rec.Body)
		}
		w.answer(t, got.Batch.ID)
		if rec := w.do(t, "GET", rec.Header().Get("Location"), ""); decoded[client.Batch](t, rec).State != client.Done {
			t.Errorf("%s: got %d %s", query, rec.Code, rec.Body)
		}
	}
}

// Nobody is asked about it, and nothing is waited for.
func TestALookUpOfNoPlateIsInvalidAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, item := range []string{`{"plate":"??"}`, `{}`} {
		rec := w.do(t, "POST", "/v1/lookups", `{"provider":"attestr","item":`+item+`}`, jsonBody)
		if got := decoded[lookedUp](t, rec); rec.Code != 200 || got.Row.Status != client.RowInvalid {
			t.Errorf("%s: got %d %s", item, rec.Code, rec.Body)
		}
	}
	rec := w.do(t, "POST", "/v1/batches", `{"provider":"attestr","items":[{},{}]}`, jsonBody)
	if b := decoded[client.Batch](t, rec); rec.Code != 201 || b.Counts[client.RowInvalid] != 2 {
		t.Errorf("items without a member: got %d %s", rec.Code, rec.Body)
	} else if rec = w.do(t, "GET", "/v1/batches/"+b.ID+"/results", "", "Accept: text/csv"); strings.Count(rec.Body.String(), "plate_empty") != 2 {
		t.Errorf("their results: got %d %s", rec.Code, rec.Body)
	}
}

func TestALookUpEndsWithTheServer(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	close(stopping)
	w := newWorld(t, func(o *api.Options) { o.Stopping = stopping })
	if rec := w.do(t, "POST", "/v1/lookups", onePlate, jsonBody); rec.Code != 202 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

func TestALookUpNamesEveryFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		query, body string
		status      int
		code        string
		fields      []string
	}{
		{"", `{"item":[],"weight":-1,"nobody":1,"name":5}`, 422, "bad_envelope", []string{"item", "weight", "nobody", "name", "provider"}},
		{"", `{"provider":"attestr"}`, 422, "bad_envelope", []string{"item"}},
		{"", `{"provider":"nobody","item":{"plate":"DL01AA1000"}}`, 422, "unknown_provider", []string{"provider"}},
		{"", `{"provider":"attestr","provider":"attestr","item":{}}`, 400, "bad_json", nil},
		{"", `[]`, 400, "bad_json", nil},
		{"", `null`, 400, "bad_json", nil},
		{"", ``, 400, "bad_json", nil},
		{"?wait=31&nobody=1", onePlate, 400, "bad_query", []string{"wait", "nobody"}},
		{"", `{"provider":"attestr","item":{"plate":"` + strings.Repeat("x", 2<<20) + `"}}`, 413, "too_large", nil},
	} {
		rec := w.do(t, "POST", "/v1/lookups"+tt.query, tt.body, jsonBody)
		checkProblem(t, rec, tt.status, tt.code)
		for _, field := range tt.fields {
			if !strings.Contains(rec.Body.String(), `{"field":"`+field+`"`) {
				t.Errorf("%s is not named in %s", field, rec.Body)
			}
		}
	}
	if n := w.batches(t); n != 0 {
		t.Errorf("%d batches were made", n)
	}
}

// Whoever heard no answer asks again under the same key, and however long it is
// ready to wait by then: the plate is looked up once.
func TestALookUpThatIsRepeatedIsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	fresh := strings.Replace(onePlate, "{", `{"fresh":true,`, 1)
	first := w.do(t, "POST", "/v1/lookups?wait=0", fresh, jsonBody, onceKey)
	b := decoded[lookedUp](t, first).Batch
	w.answer(t, b.ID)
	second := w.do(t, "POST", "/v1/lookups", fresh, jsonBody, onceKey)
	got := decoded[lookedUp](t, second)
	if first.Code != 202 || second.Code != 200 || got.Batch.ID != b.ID || got.Row.Status != client.RowFound {
		t.Errorf("got %d %s, and then %d %s", first.Code, first.Body, second.Code, second.Body)
	}
	if first.Header().Get("Idempotent-Replayed") != "" || second.Header().Get("Idempotent-Replayed") != "true" {
		t.Error("only the second answer is about what was done before")
	}
	if n := w.batches(t); n != 1 {
		t.Errorf("%d batches were made", n)
	}
	checkProblem(t, w.do(t, "POST", "/v1/lookups?wait=0", onePlate, jsonBody, onceKey), 409, "key_reused")
	checkProblem(t, w.do(t, "POST", "/v1/batches", oneItem, jsonBody, onceKey), 409, "key_reused")
	checkProblem(t, w.do(t, "POST", "/v1/lookups", fresh, jsonBody, "Idempotency-Key: "), 400, "bad_idempotency_key")
}

// A repeat is answered while the first one waits: with the same batch.
func TestARepeatedLookUpDoesNotWaitForTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- w.do(t, "POST", "/v1/lookups", onePlate, jsonBody, onceKey) }()
	<-w.wakes
	repeat := w.do(t, "POST", "/v1/lookups?wait=0", onePlate, jsonBody, onceKey)
	b := decoded[lookedUp](t, repeat).Batch
	w.answer(t, b.ID)
	first := <-done
	if repeat.Code != 202 || first.Code != 200 || decoded[lookedUp](t, first).Batch.ID != b.ID {
		t.Errorf("got %d %s, and then %d %s", repeat.Code, repeat.Body, first.Code, first.Body)
	}
}
