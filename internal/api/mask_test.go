package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// answered is a list of three rows: found, failed in words that quote it, and
// invalid.
func (w *world) answered(t *testing.T, header string) (id string) {
	t.Helper()
	rec := w.do(t, "POST", "/v1/batches?provider=attestr", "id,plate,owner\nref-1,DL01AA1000,Canary Singh\nref-2,DL01AA1001,\nref-3,DL 01 AÄ 1002,\n", csvBody, header)
	if rec.Code != http.StatusCreated {
		t.Fatalf("submit: %d %s", rec.Code, rec.Body)
	}
	id = decoded[struct{ ID string }](t, rec).ID
	b, err := w.store.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := w.store.Offer(t.Context(), store.OfferRequest{Batch: b.No, Size: 500, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %v %v", refs, err)
	}
	c, err := w.store.Claim(t.Context(), w.claim(refs[0].ID))
	if err != nil || len(c.Asks) != 2 {
		t.Fatalf("claim: %+v %v", c, err)
	}
	found := store.Answer{At: store.Millis(time.Now()), Result: json.RawMessage(`{"valid":true,"contact":"9000000000","pin":110001,"owners":[{"name":"Canary Singh"}],"note":null}`)}
	failed := store.Answer{Failure: &store.Failure{Class: store.ClassProviderError, Code: "5001", Message: "no record of DL01AA1001"}}
	_, err = w.store.Settle(t.Context(), store.Settlement{Call: c.Call, Verdicts: []store.Verdict{
		{Ask: c.Asks[0].ID, To: store.Found, Answer: &found}, {Ask: c.Asks[1].ID, To: store.Failed, Answer: &failed},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestWithoutTheScopeNothingPersonalIsShown(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	all, _ := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	read, _ := w.key(t, store.APIKey{Tenant: "acme", Scopes: []store.Scope{store.ScopeSubmit, store.ScopeRead}})
	id := w.answered(t, all)
	results := "/v1/batches/" + id + "/results"
	canaries := []string{"DL01AA", "DL 01", "9000000000", "Canary"}
	for _, accept := range []string{"application/json", "application/x-ndjson", "text/csv"} {
		seen := w.do(t, "GET", results, "", all, "Accept: "+accept).Body.String()
		masked := w.do(t, "GET", results, "", read, "Accept: "+accept).Body.String()
		for _, canary := range canaries {
			if !strings.Contains(seen, canary) {
				t.Errorf("%s: %q is not in what may be seen: %s", accept, canary, seen)
			}
			if strings.Contains(masked, canary) {
				t.Errorf("%s: %q is in what is masked: %s", accept, canary, masked)
			}
		}
		for _, kept := range []string{"ref-1", "ref-2", "ref-3", "D***0", "found", "5001", "provider_error", "invalid_input"} {
			if !strings.Contains(masked, kept) {
				t.Errorf("%s: %q is missing in what is masked: %s", accept, kept, masked)
			}
		}
	}
	row := decoded[struct {
		Items []struct{ Result json.RawMessage }
	}](t, w.do(t, "GET", results+"?status=found", "", read)).Items[0]
	if got, want := string(row.Result), `{"contact":"***","note":null,"owners":[{"name":"***"}],"pin":"***","valid":true}`; got != want {
		t.Errorf("result %s, want %s", got, want)
	}
	for _, path := range []string{results + "?input=true", results + "?raw=true"} {
		checkProblem(t, w.do(t, "GET", path, "", read), http.StatusForbidden, "scope_missing")
	}
	for _, rec := range []string{
		w.do(t, "GET", "/v1/batches/"+id, "", read).Body.String(),
		w.do(t, "POST", "/v1/batches/"+id+"/retry", `{"dry_run":true}`, jsonBody, read).Body.String(),
	} {
		if strings.Contains(rec, "DL01AA") || !strings.Contains(rec, "5001") {
			t.Errorf("causes are %s", rec)
		}
	}
	if rec := w.do(t, "GET", "/v1/batches/"+id, "", all); !strings.Contains(rec.Body.String(), "DL01AA1001") {
		t.Errorf("causes with the scope are %s", rec.Body)
	}
}
