package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// priced is a world in which a question costs 2.50 INR.
func priced(t *testing.T) *world {
	t.Helper()
	return newWorld(t, func(o *api.Options) {
		o.Price = func(string) store.Price { return store.Price{Each: 5 * store.One / 2, Currency: "INR"} }
	})
}

// called claims all that is queued of a batch and settles it in one way.
func (w *world) called(t *testing.T, id string, v store.Verdict) store.CallID {
	t.Helper()
	b, err := w.store.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := w.store.Offer(t.Context(), store.OfferRequest{Batch: b.No, Size: 500, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	c, err := w.store.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "worker", Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Settle(t.Context(), store.Settlement{Call: c.Call, Rest: &v, Class: "ambiguous", Code: "cut"}); err != nil {
		t.Fatal(err)
	}
	return c.Call
}

func failedAs(class store.ErrorClass, code string) store.Verdict {
	return store.Verdict{To: store.Failed, Answer: &store.Answer{Failure: &store.Failure{Class: class, Code: code, Message: "try later"}}}
}

// TestARetrySaysWhatMayBePaidTwice: that are the rows of which an answer may yet
// come, as nobody saw it.
func TestARetrySaysWhatMayBePaidTwice(t *testing.T) {
	t.Parallel()
	for _, class := range []store.ErrorClass{
		store.ClassProviderError, store.ClassUnavailable, store.ClassProviderTimeout, store.ClassMissing, store.ClassPoison, store.ClassGivenUp,
	} {
		w := priced(t)
		b := w.submitted(t, "plate\nDL01AA1000\nDL01AA1000\nDL01AA1001\n")
		w.called(t, b.ID, failedAs(class, ""))
		r := decoded[client.Retried](t, w.do(t, "POST", "/v1/batches/"+b.ID+"/retry", `{"dry_run":true}`, jsonBody))
		want := 0
		if class.LateAnswersCount() {
			want = 3
		}
		if got := r.MaybePaid(); got != want || r.Rows != 3 {
			t.Errorf("%s: %d of %d rows may have been paid for, want %d of 3", class, got, r.Rows, want)
		}
	}
}

func TestFailedRowsAreGroupedAndRetried(t *testing.T) {
	t.Parallel()
	w := priced(t)
	b := w.submitted(t, "plate\nDL01AA1000\nDL01AA1000\nDL01AA1001\n")
	if b.Shared != (client.Shared{Duplicates: 1}) || b.Questions != 2 {
		t.Errorf("a list with a plate twice has %d questions and %+v", b.Questions, b.Shared)
	}
	w.called(t, b.ID, failedAs(store.ClassProviderError, "5001"))
	path := "/v1/batches/" + b.ID
	got := decoded[client.Batch](t, w.do(t, "GET", path, ""))
	if len(got.Causes) != 1 || got.Causes[0] != (client.Cause{Class: "provider_error", Code: "5001", Message: "try later", Rows: 3}) {
		t.Errorf("causes are %+v", got.Causes)
	}
	for _, tt := range []struct {
		body  string
		rows  int
		state client.State
	}{
		{`{"class":"poison"}`, 0, client.Done},
		{`{"class":"provider_error","code":"5001","dry_run":true}`, 3, client.Done},
		{``, 3, client.Running},
		{``, 0, client.Running},
	} {
		rec := w.do(t, "POST", path+"/retry", tt.body, jsonBody)
		r := decoded[client.Retried](t, rec)
		if rec.Code != http.StatusOK || r.Rows != tt.rows || r.Batch.State != tt.state {
			t.Errorf("retry %s: %d %s", tt.body, rec.Code, rec.Body)
		}
		if tt.rows > 0 && (r.Questions != 2 || *r.AtMost != "5.00" || *r.Currency != "INR" || len(r.Causes) != 1) {
			t.Errorf("retry %s came to %s", tt.body, rec.Body)
		}
	}
	w.answer(t, b.ID)
	if got := decoded[client.Batch](t, w.do(t, "GET", path, "")); got.Counts[client.RowFound] != 3 || len(got.Causes) != 0 {
		t.Errorf("after the retry the batch is %+v", got)
	}
}

func TestUnknownCallsAreListedAndDecided(t *testing.T) {
	t.Parallel()
	w := priced(t)
	b := w.submitted(t, "plate\nDL01AA1000\nDL01AA1001\n")
	call := w.called(t, b.ID, store.Verdict{To: store.Unknown})
	hint := store.HintRequest{Provider: "attestr", Hints: []providers.Hint{
		{Ticket: "T-9", Record: "r-1", Signed: "yes", Subject: providers.Subject{providers.Plate: "DL01AA1001"}},
	}}
	if _, err := w.store.Hint(t.Context(), hint); err != nil {
		t.Fatal(err)
	}
	type page struct{ Items []client.UnknownCall }
	list := decoded[page](t, w.do(t, "GET", "/v1/unknown?batch="+b.ID, "")).Items
	if len(list) != 1 {
		t.Fatalf("unknown calls are %+v, want one", list)
	}
	u := list[0]
	if u.Call != int64(call) || u.Questions != 2 || u.Rows != 2 || *u.AtRisk != "5.00" || u.Reason != "ambiguous" || u.Batches[0] != b.ID {
		t.Errorf("the call is listed as %+v", u)
	}
	if len(u.Candidates) != 1 || u.Candidates[0].Ticket != "T-9" || u.Candidates[0].Plates != 1 || !u.Candidates[0].Signed {
		t.Errorf("candidates are %+v", u.Candidates)
	}
	rec := w.do(t, "POST", "/v1/unknown/resend", fmt.Sprintf(`{"call":%d,"reason":"asked them"}`, call), jsonBody)
	if r := decoded[client.Resent](t, rec); rec.Code != http.StatusOK || r.Calls != 1 || r.Rows != 2 || *r.AtMost != "5.00" {
		t.Errorf("resend: %d %s", rec.Code, rec.Body)
	}
	second := w.called(t, b.ID, store.Verdict{To: store.Unknown})
	rec = w.do(t, "POST", "/v1/unknown/adopt", fmt.Sprintf(`{"call":%d,"ticket":"T-9"}`, second), jsonBody)
	if rec.Code != http.StatusOK {
		t.Errorf("adopt: %d %s", rec.Code, rec.Body)
	}
	if due, err := w.store.DueTickets(t.Context(), "attestr", 0); err != nil || len(due) != 1 {
		t.Errorf("due tickets are %v, %v, want the adopted one", due, err)
	}
	other := w.submitted(t, "plate\nDL01AA1002\n")
	third := w.called(t, other.ID, store.Verdict{To: store.Unknown})
	rec = w.do(t, "POST", "/v1/unknown/adopt", fmt.Sprintf(`{"call":%d,"ticket":"T-9"}`, third), jsonBody)
	if rec.Code != http.StatusConflict || !strings.Contains(rec.Body.String(), "ticket_taken") {
		t.Errorf("adopt of another call's ticket: %d %s", rec.Code, rec.Body)
	}
	rec = w.do(t, "POST", "/v1/unknown/give-up", `{"all":true,"provider":"attestr","reason":"enough"}`, jsonBody)
	if got := decoded[client.Settled](t, rec); got != (client.Settled{Calls: 1, Questions: 1}) {
		t.Errorf("give up: %d %s", rec.Code, rec.Body)
	}
	decisions := decoded[struct{ Decisions []client.Decided }](t, w.do(t, "GET", "/v1/unknown?decisions=true", "")).Decisions
	if len(decisions) != 3 || decisions[0].What != "give-up" || decisions[0].Reason != "enough" || decisions[2].Call != int64(call) {
		t.Errorf("decisions are %+v", decisions)
	}
	if strings.Contains(w.log.String(), "DL01AA") || strings.Contains(w.log.String(), "T-9") {
		t.Errorf("the log tells what is personal: %s", w.log)
	}
	if r, err := w.store.Check(t.Context()); err != nil || len(r.Problems) > 0 {
		t.Errorf("check: %v %v", r.Problems, err)
	}
}

func TestDecisionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"resend", `{"call":1}`, 422, "reason"},
		{"resend", `{"reason":"x"}`, 422, "name one of"},
		{"resend", `{"call":1,"batch":"b_x","reason":"x"}`, 422, "name one of"},
		{"give-up", `{"all":true,"reason":"x"}`, 422, "goes with all"},
		{"give-up", `{"call":1,"reason":"x"}`, 404, "no_such_call"},
		{"give-up", `{"batch":"b_none","reason":"x"}`, 404, "no_such_batch"},
		{"give-up", `{"call":"one"}`, 422, "call"},
		{"give-up", `[`, 400, "bad_body"},
		{"give-up", `{"al":true,"reason":"x"}`, 422, "there is no such member"},
		{"give-up", `{"all":true,"reason":"x"} {}`, 400, "bad_body"},
		{"adopt", `{"call":1}`, 422, "ticket"},
		{"adopt", `{"call":1,"ticket":"T"}`, 404, "no_such_call"},
	} {
		rec := w.do(t, "POST", "/v1/unknown/"+tt.path, tt.body, jsonBody)
		if rec.Code != tt.status || !strings.Contains(rec.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s, want %d and %q", tt.path, tt.body, rec.Code, rec.Body, tt.status, tt.want)
		}
	}
}
