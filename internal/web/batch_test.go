package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/plateq/plateq/store"
)

const fleet = "id,plate\nA-1,KA01AB1234\nA-2,KA01AB1235\nA-3,§\n"

func TestWhatIsPersonalIsShownOnPurposeAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted(t, "&name=fleet", fleet)
	b := w.browser(t)
	page := b.get("/batches/" + id)
	want(t, page, http.StatusOK, "fleet", id, "A-1", "K***4", "Show it", "invalid")
	if strings.Contains(page.Body.String(), "KA01AB1234") {
		t.Error("a plate is shown that nobody asked for")
	}
	want(t, b.post("/batches/"+id, "/batches/"+id+"/rows", nil), http.StatusOK, "KA01AB1234", "Mask it again")
	if rec := b.get("/batches/" + id + "/rows"); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/batches/"+id {
		t.Errorf("the address of what was shown: got %d to %q, want the masked page", rec.Code, rec.Header().Get("Location"))
	}
	want(t, b.get("/batches/"+id+"/download?format=csv"), http.StatusOK, "KA01AB1234")
	want(t, b.get("/batches/"+id+"/download?format=exe"), http.StatusBadRequest, "no such kind of file")

	reader, _ := w.key(t, store.APIKey{Scopes: []store.Scope{store.ScopeRead}})
	b = w.browser(t).in(reader)
	page = b.get("/batches/" + id)
	want(t, page, http.StatusOK, "K***4")
	if strings.Contains(page.Body.String(), "Show it") {
		t.Error("whoever may not see it is offered what is personal")
	}
	want(t, b.post("/batches/"+id, "/batches/"+id+"/rows", nil), http.StatusForbidden, "read:pii")
	if rec := b.get("/batches/" + id + "/download?format=csv"); strings.Contains(rec.Body.String(), "KA01AB1234") {
		t.Error("a file holds what the key may not see")
	}
}

func TestABatchIsSteered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted(t, "", fleet)
	at := "/batches/" + id
	b := w.browser(t)
	for _, step := range []struct{ verb, then string }{{"pause", "The batch is paused"}, {"resume", "The batch goes on"}} {
		rec := b.post(at, at+"/"+step.verb, nil)
		if rec.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", step.verb, rec.Code, rec.Body)
		}
		want(t, b.get(rec.Header().Get("Location")), http.StatusOK, step.then)
	}
	want(t, b.get(at+"/cancel"), http.StatusOK, "2 rows that are still queued will never be asked about", "Cancel the batch")
	b.post(at, at+"/cancel", nil)
	want(t, b.get(at), http.StatusOK, "cancelled")
	want(t, b.post(at, at+"/pause", nil), http.StatusConflict, "This cannot be done as things stand", "it is cancelled")
	want(t, b.get("/batches/b_none"), http.StatusNotFound, "There is nothing here")

	reader, _ := w.key(t, store.APIKey{Scopes: []store.Scope{store.ScopeRead}})
	b = w.browser(t).in(reader)
	want(t, b.post(at, at+"/cancel", nil), http.StatusForbidden, "It needs the scope submit")
}

func TestABatchOfAnotherTenantIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted(t, "", fleet)
	other, _ := w.key(t, store.APIKey{Tenant: "other", Scopes: store.Scopes()})
	b := w.browser(t).in(other)
	for _, path := range []string{"", "/events", "/download?format=csv", "/cancel"} {
		if rec := b.get("/batches/" + id + path); rec.Code != http.StatusNotFound {
			t.Errorf("%s: got %d", path, rec.Code)
		}
	}
}

func TestNamesAreTextWhateverTheyHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	id := w.submitted(t, "&name="+url.QueryEscape(evil), "id,plate\n\""+strings.ReplaceAll(evil, `"`, `""`)+"\",KA01AB1234\n")
	b := w.browser(t)
	for _, path := range []string{"/", "/batches", "/batches?name=" + url.QueryEscape(evil), "/batches/" + id, "/batches/" + id + "/cancel"} {
		if page := b.get(path); strings.Contains(page.Body.String(), "<script>alert") || strings.Contains(page.Body.String(), "<img src=x") {
			t.Errorf("%s: the name is no text", path)
		}
	}
}
