package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestBatchHasTheKeysOfTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	rec := w.do(t, "GET", "/v1/batches/"+b.ID, "")
	got := decoded[map[string]json.RawMessage](t, rec)
	for _, key := range []string{"id", "provider", "name", "tenant", "purpose", "state", "reason", "rows", "counts", "questions", "shared", "causes", "cost", "waiting_for", "created_at", "done_at", "metadata", "retention", "kept_until", "rows_deleted_at"} {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing in %s", key, rec.Body)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("there is more: %v", got)
	}
	if len(b.Counts) != len(client.Statuses()) {
		t.Errorf("counts %v, want every status", b.Counts)
	}
	if rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", rec.Header().Get("Cache-Control"))
	}
}

func TestBatchesArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var want []string
	for range 5 {
		want = append([]string{w.submitted(t, "plate\nDL01AA1000\n").ID}, want...)
	}
	var got []string
	for path := "/v1/batches?limit=2"; path != ""; {
		page := decoded[struct {
			Items      []client.Batch `json:"items"`
			NextCursor *string        `json:"next_cursor"`
		}](t, w.do(t, "GET", path, ""))
		path = ""
		for _, b := range page.Items {
			got = append(got, b.ID)
		}
		if page.NextCursor != nil {
			path = "/v1/batches?limit=2&cursor=" + *page.NextCursor
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=YzA", "state=intake", "colour=red"} {
		checkProblem(t, w.do(t, "GET", "/v1/batches?"+query, ""), 400, "bad_query")
	}
	rec := w.do(t, "GET", "/v1/batches?state=paused,done&provider=attestr", "")
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"items":[]`) {
		t.Errorf("no batch is paused, got %d %s", rec.Code, rec.Body)
	}
}

func TestBatchIsPausedResumedAndCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	for _, step := range []struct {
		verb  string
		code  int
		state client.State
	}{
		{"pause", 200, client.Paused},
		{"resume", 200, client.Running},
		{"cancel", 200, client.Cancelled},
		{"resume", 409, ""},
		{"pause", 409, ""},
	} {
		rec := w.do(t, "POST", "/v1/batches/"+b.ID+"/"+step.verb, "")
		if step.code != 200 {
			checkProblem(t, rec, step.code, "wrong_state")
			continue
		}
		if got := decoded[client.Batch](t, rec); rec.Code != 200 || got.State != step.state {
			t.Errorf("%s: got %d %s", step.verb, rec.Code, rec.Body)
		}
	}
	rec := w.do(t, "POST", "/v1/batches/"+b.ID+"/poll", "")
	if rec.Code != 200 || strings.TrimSpace(rec.Body.String()) != `{"tickets":0}` {
		t.Errorf("poll: got %d %s", rec.Code, rec.Body)
	}
}

func TestBatchNobodyKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	no, err := w.store.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
	if err != nil {
		t.Fatal(err)
	}
	half, err := w.store.BatchByNo(t.Context(), no)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"b_nobody", half.ID, "..%2f..%2fetc", "%00", "1", "b_'%20or%20'1'='1"} {
		for _, route := range []string{"GET ", "GET /results", "POST /pause", "POST /resume", "POST /cancel", "POST /poll"} {
			method, tail, _ := strings.Cut(route, " ")
			checkProblem(t, w.do(t, method, "/v1/batches/"+id+tail, ""), 404, "no_such_batch")
		}
	}
}

func TestClosedGateIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	until := store.Millis(time.Now().Add(time.Hour))
	gate := func(scope string, class providers.Class) {
		t.Helper()
		_, err := w.store.SetGates(t.Context(), store.GateChanges{Close: []store.GateClose{{Scope: scope, Class: class, Until: until, Probe: true}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	show := func() *client.Waiting {
		t.Helper()
		return decoded[client.Batch](t, w.do(t, "GET", "/v1/batches/"+b.ID, "")).WaitingFor
	}
	gate("attestr/items", providers.RateLimited)
	gate("regnum", providers.OutOfCredit)
	if got := show(); got != nil {
		t.Errorf("waits for %+v, which does not concern it", got)
	}
	gate("attestr/submit", providers.DailyLimited)
	got := show()
	if got == nil || got.Scope != "attestr/submit" || got.Reason != "daily_limited" || !got.Until.Equal(until) {
		t.Errorf("waits for %+v", got)
	}
	w.do(t, "POST", "/v1/batches/"+b.ID+"/pause", "")
	if got := show(); got != nil {
		t.Errorf("a paused batch waits for %+v", got)
	}
}

// A gate that a person closed holds a batch for longer than any that opens by
// time, however late.
func TestAGateClosedByHandIsNamedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	w.closed(t,
		store.GateClose{Scope: "attestr", Code: store.ByHand},
		store.GateClose{Scope: "attestr/submit", Class: providers.DailyLimited, Until: time.Now().Add(time.Hour), Probe: true})
	got := decoded[client.Batch](t, w.do(t, "GET", "/v1/batches/"+b.ID, "")).WaitingFor
	if got == nil || *got != (client.Waiting{Scope: "attestr", Reason: store.ByHand}) {
		t.Errorf("waits for %+v, want attestr, by hand and without an end", got)
	}
	if _, err := w.store.SetGates(t.Context(), store.GateChanges{Open: []string{"attestr"}}); err != nil {
		t.Fatal(err)
	}
	w.closed(t, store.GateClose{Scope: "attestr/submit", Code: store.ByHand},
		store.GateClose{Scope: "attestr", Class: providers.DailyLimited, Until: time.Now().Add(time.Hour), Probe: true})
	got = decoded[client.Batch](t, w.do(t, "GET", "/v1/batches/"+b.ID, "")).WaitingFor
	if got == nil || *got != (client.Waiting{Scope: "attestr/submit", Reason: store.ByHand}) {
		t.Errorf("waits for %+v, want attestr/submit, by hand and without an end", got)
	}
}

func TestResultsArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "id,plate\na,DL01AA1000\nb,DL01AA1001\nc,??\nd,DL01AA1000\n")
	w.answer(t, b.ID)
	var got []string
	for path := "/v1/batches/" + b.ID + "/results?limit=3"; path != ""; {
		page := decoded[struct {
			Items      []client.Row `json:"items"`
			NextCursor *string      `json:"next_cursor"`
		}](t, w.do(t, "GET", path, ""))
		path = ""
		for _, r := range page.Items {
			got = append(got, *r.ID+" "+string(r.Status))
		}
		if page.NextCursor != nil {
			path = "/v1/batches/" + b.ID + "/results?limit=3&cursor=" + *page.NextCursor
		}
	}
	if diff := cmp.Diff([]string{"a found", "b found", "c invalid", "d found"}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, query := range []string{"limit=0", "status=lost", "cursor=x", "input=perhaps", "x=y"} {
		checkProblem(t, w.do(t, "GET", "/v1/batches/"+b.ID+"/results?"+query, ""), 400, "bad_query")
	}
}

// The only row of a state may be the last of a million: no page looks for it
// for longer than it takes to look at some thousand.
func TestResultsOfAStateAreLookedForInSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\n"+strings.Repeat("DL01AA1000\n", 20_010)+"??\n")
	path := "/v1/batches/" + b.ID + "/results?status="
	type page struct {
		Items      []client.Row `json:"items"`
		NextCursor *string      `json:"next_cursor"`
	}
	if p := decoded[page](t, w.do(t, "GET", path+"found", "")); len(p.Items) > 0 || p.NextCursor != nil {
		t.Errorf("no row is found: got %d and cursor %v, want none", len(p.Items), p.NextCursor)
	}
	var got []int
	next, pages := "", 0
	for more := true; more; pages++ {
		p := decoded[page](t, w.do(t, "GET", path+"invalid"+next, ""))
		for _, r := range p.Items {
			got = append(got, r.Row)
		}
		if more = p.NextCursor != nil; more {
			next = "&cursor=" + *p.NextCursor
		}
	}
	if !slices.Equal(got, []int{20_011}) || pages != 3 {
		t.Errorf("got rows %v in %d pages, want row 20011 in the third", got, pages)
	}
}

func TestResultsAreStreamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "id,plate,depot\na,DL01AA1000,north\nb,??,south\n")
	w.answer(t, b.ID)
	path := "/v1/batches/" + b.ID + "/results"
	for _, tt := range []struct {
		name, accept, query, media string
		want, not                  []string
	}{
		{"CSV", "text/csv", "", "text/csv; charset=utf-8", []string{"result.contact", "9000000000", "north", "south"}, nil},
		{"NDJSON", "application/x-ndjson", "", "application/x-ndjson", []string{`"contact":"9000000000"`, `"status":"invalid"`}, []string{"north"}},
		{"NDJSON with the lines", "application/x-ndjson", "?input=true", "application/x-ndjson", []string{`"depot":"north"`}, nil},
		{"some", "text/csv", "?status=invalid,failed", "text/csv; charset=utf-8", []string{"south"}, []string{"9000000000"}},
		{"best liked", "text/csv;q=0.5, application/x-ndjson;q=0.9", "", "application/x-ndjson", nil, nil},
		{"a browser", "text/html, */*;q=0.1", "", "application/json", []string{`"items"`}, nil},
	} {
		rec := w.do(t, "GET", path+tt.query, "", "Accept: "+tt.accept)
		if rec.Code != 200 || rec.Header().Get("Content-Type") != tt.media {
			t.Errorf("%s: got %d, %q", tt.name, rec.Code, rec.Header().Get("Content-Type"))
		}
		for _, s := range tt.want {
			if !strings.Contains(rec.Body.String(), s) {
				t.Errorf("%s: %q is missing in %s", tt.name, s, rec.Body)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(rec.Body.String(), s) {
				t.Errorf("%s: %q is in %s", tt.name, s, rec.Body)
			}
		}
		if got := rec.Header().Get("Content-Disposition"); tt.media != "application/json" && !strings.HasPrefix(got, "attachment; filename="+b.ID) {
			t.Errorf("%s: Content-Disposition %q", tt.name, got)
		}
	}
	checkProblem(t, w.do(t, "GET", path, "", "Accept: application/pdf"), http.StatusNotAcceptable, "not_acceptable")
	checkProblem(t, w.do(t, "GET", path+"?limit=1", "", "Accept: text/csv"), 400, "bad_query")
}
