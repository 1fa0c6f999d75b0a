package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/regnum"
	"github.com/plateq/plateq/providers/spectrumdata"
	"github.com/plateq/plateq/store"
)

// lost has a batch sent in one call, of which nobody knows what became.
func (w *world) lost(t *testing.T, id string) store.CallID {
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
	if _, err := w.store.Settle(t.Context(), store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Unknown}, Class: "ambiguous", Code: "cut"}); err != nil {
		t.Fatal(err)
	}
	return c.Call
}

func TestWhatIsUnknownIsDecidedByAPerson(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ what, costs, done string }{
		{"resend", "2 questions go to attestr once more, at most 4.00 INR", "What was unknown is asked again"},
		{"give-up", "2 rows become failed", "What was unknown has failed"},
		{"adopt", "Ticket, as the provider shows it", "The call waits on that ticket now"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser(t)
			want(t, b.get("/unknown"), http.StatusOK, "Nothing is unknown")
			id := w.submitted(t, "", fleet)
			call := fmt.Sprint(w.lost(t, id))
			want(t, b.get("/"), http.StatusOK, "Unknown outcomes", "4.00 INR")
			want(t, b.get("/batches/"+id), http.StatusOK, "/unknown?batch="+id)
			want(t, b.get("/unknown"), http.StatusOK, "/unknown/"+call+"/"+tt.what, "4.00 INR", id)
			at := "/unknown/" + call + "/" + tt.what
			want(t, b.get(at), http.StatusOK, tt.costs, `name="reason"`)
			want(t, b.post(at, "/unknown/999/"+tt.what, url.Values{"reason": {"x"}, "ticket": {"T"}}), http.StatusNotFound)
			if tt.what != "adopt" {
				want(t, b.post(at, at, nil), http.StatusUnprocessableEntity, "say why")
			}
			rec := b.post(at, at, url.Values{"reason": {"asked them <i>"}, "ticket": {"T-1"}})
			if rec.Code != http.StatusSeeOther {
				t.Fatalf("decide: %d %s", rec.Code, rec.Body)
			}
			want(t, b.get(rec.Header().Get("Location")), http.StatusOK, tt.done, "asked them &lt;i&gt;")
			if tt.what == "give-up" {
				want(t, b.get("/batches/"+id+"/retry"), http.StatusOK, "2 rows may have been charged already")
			}
		})
	}
}

// TestWhatWasSentAgainIsOfferedNoMore: neither its questions nor their money,
// and a page from before says that nothing was asked.
func TestWhatWasSentAgainIsOfferedNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := fmt.Sprintf("/unknown/%d/resend", w.lost(t, w.submitted(t, "", fleet)))
	b := w.browser(t)
	why := url.Values{"reason": {"lost"}}
	want(t, b.post("/lookup", at, why), http.StatusSeeOther)
	page := b.get(at)
	want(t, page, http.StatusConflict, "All of this call was sent again")
	if body := page.Body.String(); strings.Contains(body, "2 questions") || strings.Contains(body, "4.00") || strings.Contains(body, `name="reason"`) {
		t.Errorf("it is offered to send it again: %s", body)
	}
	list := b.get("/unknown?resent=true")
	want(t, list, http.StatusOK, "2 sent again", "Give up")
	if strings.Contains(list.Body.String(), at) {
		t.Error("the list offers to send it again")
	}
	rec := b.post("/lookup", at, why)
	want(t, rec, http.StatusSeeOther)
	want(t, b.get(rec.Header().Get("Location")), http.StatusOK, "Nothing was asked")
}

// TestATicketOfOneRowIsAdoptedForARow: the page asks for its number, and the
// others stay unknown.
func TestATicketOfOneRowIsAdoptedForARow(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, time.Now, func(o *api.Options) {
		p, err := spectrumdata.New(spectrumdata.Config{
			BaseURL: "https://example.invalid/b2b/api/v1", User: "u@example", Password: "p", ReportTypeGRZ: "grz@example",
		}, spectrumdata.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Providers, err = providers.NewSet(p); err != nil {
			t.Fatal(err)
		}
	})
	id := w.submittedTo(t, "spectrumdata", "", "plate,inn\nA001AA77,7707083893\nA002AA77,7707083893\n")
	at := fmt.Sprintf("/unknown/%d/adopt", w.lost(t, id))
	b := w.browser(t)
	want(t, b.get(at), http.StatusOK, `name="row"`, "<option>"+id+"</option>", "answers one row")
	want(t, b.post(at, at, url.Values{"ticket": {"R-1"}}), http.StatusUnprocessableEntity, "name the row too")
	want(t, b.post(at, at, url.Values{"ticket": {"R-1"}, "row": {"two"}, "batch": {id}}), http.StatusUnprocessableEntity, "by its number")
	rec := b.post(at, at, url.Values{"ticket": {"R-1"}, "row": {"2"}, "batch": {id}})
	if rec.Code != http.StatusSeeOther {
		t.Fatalf("adopt: %d %s", rec.Code, rec.Body)
	}
	page := b.get(at)
	want(t, page, http.StatusOK, "1 question wait")
	if strings.Contains(page.Body.String(), `name="row"`) {
		t.Error("one question is left, and the page asks for its row")
	}
}

func TestWhoeverReadsDecidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lost(t, w.submitted(t, "", fleet))
	key, _ := w.key(t, store.APIKey{Scopes: []store.Scope{store.ScopeRead}})
	b := w.browser(t).in(key)
	page := b.get("/unknown")
	want(t, page, http.StatusOK, "ambiguous")
	if strings.Contains(page.Body.String(), "give-up") {
		t.Error("whoever only reads is offered to decide")
	}
	want(t, b.get("/unknown/1/resend"), http.StatusForbidden, "operate")
}

// TestOnlyCallsOnTicketsAreOfferedOne: where the provider answers at once there
// is none to adopt.
func TestOnlyCallsOnTicketsAreOfferedOne(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, time.Now, func(o *api.Options) {
		p, err := regnum.New(regnum.Config{URLs: []string{"https://example.invalid"}, ID: "1", Seccode: "s", Nameservice: "n", Format: "json"}, regnum.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Providers, err = providers.NewSet(p); err != nil {
			t.Fatal(err)
		}
	})
	call := w.lost(t, w.submittedTo(t, "regnum", "", "plate\nA001AA77\n"))
	page := w.browser(t).get("/unknown")
	want(t, page, http.StatusOK, fmt.Sprintf("/unknown/%d/give-up", call))
	if strings.Contains(page.Body.String(), fmt.Sprintf("/unknown/%d/adopt", call)) {
		t.Error("it offers to adopt a ticket")
	}
}

// TestTenantsAreOfferedWhatTheyMayDo: queues and gates concern all tenants.
func TestTenantsAreOfferedWhatTheyMayDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submitted(t, "", fleet)
	if _, err := w.store.SetGates(t.Context(), store.GateChanges{Close: []store.GateClose{{Scope: "attestr", Class: providers.OutOfCredit}}}); err != nil {
		t.Fatal(err)
	}
	for tenant, whole := range map[string]bool{"acme": false, store.AllTenants: true} {
		key, _ := w.key(t, store.APIKey{Tenant: tenant, Scopes: store.Scopes()})
		page := w.browser(t).in(key).get("/")
		want(t, page, http.StatusOK, "until somebody opens it", `href="/webhooks"`)
		for _, offer := range []string{`href="/queues"`, "put right what the reason names"} {
			if strings.Contains(page.Body.String(), offer) != whole {
				t.Errorf("to a key of %s %q is shown: %v, want %v", tenant, offer, !whole, whole)
			}
		}
	}
}
