package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

func TestSomebodyIsAnsweredAsTheHolderOfHisKey(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	b := w.submitted(t, "plate\nKA01AB1234\n")
	_, id := w.key(t, store.APIKey{Tenant: store.DefaultTenant, Scopes: []store.Scope{store.ScopeReadPII}})
	ask := func(key string, without ...store.Scope) (int, string) {
		r := httptest.NewRequestWithContext(api.As(t.Context(), key, without...), "GET", "/v1/batches/"+b.ID+"/results", http.NoBody)
		r.Host = "127.0.0.1"
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec.Code, rec.Body.String()
	}
	if code, body := ask(id); code != http.StatusOK || !strings.Contains(body, "KA01AB1234") {
		t.Errorf("with the key: %d %s", code, body)
	}
	if code, body := ask(id, store.ScopeReadPII); code != http.StatusOK || strings.Contains(body, "KA01AB1234") {
		t.Errorf("without what is personal: %d %s", code, body)
	}
	for _, nobody := range []string{"", "aaaaaaaaaaaaaaaa"} {
		if code, _ := ask(nobody); code != http.StatusUnauthorized {
			t.Errorf("as %q: got %d", nobody, code)
		}
	}
	if err := w.store.RevokeAPIKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask(id); code != http.StatusUnauthorized {
		t.Errorf("with a key that was revoked: got %d", code)
	}
}
