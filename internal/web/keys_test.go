package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

// hiddenOf are the fields of the last form of a page that nobody fills in.
func hiddenOf(page string) url.Values {
	fields := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	return fields
}

// TestAFormSentTwiceMakesOneKey: what its holder shows is in the first answer
// alone, and the second says so.
func TestAFormSentTwiceMakesOneKey(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := newWorldAt(t, func() time.Time { return now })
	admin, _ := w.key(t, store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()})
	b := w.browser(t).in(admin)
	form := hiddenOf(b.get("/keys").Body.String())
	form.Set("name", "crm")
	form.Set("tenant", "acme")
	form.Set("scope", "read")
	form.Set("days", "30")
	want(t, b.post("", "/keys", form), http.StatusOK, "plq_", "never again")
	now = now.Add(3 * time.Second)
	again := b.post("", "/keys", form)
	want(t, again, http.StatusConflict, "The key was made already", "crm", "revoke that key")
	if strings.Contains(again.Body.String(), "plq_") {
		t.Error("what its holder shows is shown twice")
	}
	keys, err := w.store.APIKeys(t.Context(), "acme")
	if err != nil || len(keys) != 1 {
		t.Fatalf("got keys %v, %v, want one", keys, err)
	}
	if lasts := keys[0].Expires.Sub(keys[0].Created).Round(time.Second); lasts < 30*24*time.Hour-time.Second || lasts > 30*24*time.Hour {
		t.Errorf("it lasts %v", lasts)
	}
}

// TestTheFirstKeySentTwiceSaysWhatToDo: the second press comes when everybody
// needs a key, and would only be asked for it.
func TestTheFirstKeySentTwiceSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	form := hiddenOf(b.get("/keys").Body.String())
	form.Set("name", "chief")
	form.Set("tenant", store.AllTenants)
	form["scope"] = []string{"read", "admin"}
	want(t, b.post("", "/keys", form), http.StatusOK, "plq_", "keep this one to log in")
	want(t, b.post("", "/keys", form), http.StatusConflict, "There is a key meanwhile", "plateq keys create")
	want(t, w.browser(t).post("/login", "/keys", form), http.StatusConflict, "There is a key meanwhile")
	keys, err := w.store.APIKeys(t.Context(), store.AllTenants)
	if err != nil || len(keys) != 1 {
		t.Errorf("got keys %v, %v, want one", keys, err)
	}
}
