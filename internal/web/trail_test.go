package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/plateq/plateq/store"
)

func TestWhoComesAndGoesIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, text := store.MakeAPIKey(store.APIKey{Name: "test", Tenant: "acme", Scopes: store.Scopes()})
	if err := w.store.AddAPIKey(t.Context(), k, nil); err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	b.post("/login", "/login", url.Values{"key": {text + "x"}})
	if rec := b.post("/login", "/login", url.Values{"key": {text}}); rec.Code != http.StatusSeeOther {
		t.Fatalf("log in: %d", rec.Code)
	}
	if rec := b.post("/", "/logout", nil); rec.Code != http.StatusSeeOther {
		t.Fatalf("log out: %d", rec.Code)
	}
	acts, err := w.store.Acts(t.Context(), store.ActFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range slices.Backward(acts) {
		got = append(got, a.Who+" "+string(a.Kind)+" "+a.Tenant+" "+a.About)
	}
	want := []string{"no key login.failed * ", "key " + k.ID + " login acme " + k.ID, "key " + k.ID + " logout acme " + k.ID}
	if !slices.Equal(got, want) {
		t.Errorf("the audit log has %q, want %q", got, want)
	}
}
