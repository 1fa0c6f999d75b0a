package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

type keyAnswer struct {
	ID, Name, Tenant, State, Key string
	Scopes                       []store.Scope
	ExpiresAt                    *time.Time `json:"expires_at"`
	RevokedAt                    *time.Time `json:"revoked_at"`
}

func TestAKeyIsShownOnceAndOpensUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	rec := w.do(t, "POST", "/v1/keys", `{"name":" ops ","tenant":"*","scopes":["admin","read","admin"]}`, jsonBody)
	if rec.Code != http.StatusCreated {
		t.Fatalf("make the first key: %d %s", rec.Code, rec.Body)
	}
	ops := decoded[keyAnswer](t, rec)
	if ops.Name != "ops" || ops.Tenant != "*" || len(ops.Scopes) != 2 || ops.State != "valid" || !strings.HasPrefix(ops.Key, "plq_"+ops.ID+"_") {
		t.Errorf("got %+v", ops)
	}
	admin := "Authorization: Bearer " + ops.Key
	rec = w.do(t, "POST", "/v1/keys", `{"name":"app","tenant":"acme","scopes":["read"],"expires_at":"2999-01-01T00:00:00Z"}`, jsonBody, admin)
	app := decoded[keyAnswer](t, rec)
	if rec.Code != http.StatusCreated || app.ExpiresAt == nil {
		t.Fatalf("make another: %d %s", rec.Code, rec.Body)
	}
	list := w.do(t, "GET", "/v1/keys", "", admin).Body.String()
	if strings.Contains(list, "plq_") || !strings.Contains(list, app.ID) || !strings.Contains(list, ops.ID) {
		t.Errorf("keys are %s", list)
	}
	shown := "Authorization: Bearer " + app.Key
	if rec := w.do(t, "GET", "/v1/batches", "", shown); rec.Code != http.StatusOK {
		t.Errorf("the key: got %d %s", rec.Code, rec.Body)
	}
	rec = w.do(t, "DELETE", "/v1/keys/"+app.ID, "", admin)
	if got := decoded[keyAnswer](t, rec); got.State != "revoked" || got.RevokedAt == nil {
		t.Errorf("revoke: got %d %s", rec.Code, rec.Body)
	}
	checkProblem(t, w.do(t, "GET", "/v1/batches", "", shown), http.StatusUnauthorized, "unauthorised")
	checkProblem(t, w.do(t, "DELETE", "/v1/keys/nobody", "", admin), http.StatusNotFound, "no_such_key")
	for _, key := range []string{ops.Key, app.Key} {
		if strings.Contains(w.log.String(), key) {
			t.Error("a key is in the log")
		}
	}
}

func TestKeysOfATenantAreItsOwn(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	admin, _ := w.key(t, store.APIKey{Tenant: "acme", Scopes: []store.Scope{store.ScopeAdmin}})
	rec := w.do(t, "POST", "/v1/keys", `{"name":"app","scopes":["read"]}`, jsonBody, admin)
	if got := decoded[keyAnswer](t, rec); got.Tenant != "acme" {
		t.Errorf("got %d %s, want a key of acme", rec.Code, rec.Body)
	}
}

func TestAKeyMustBeWhole(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	for body, field := range map[string]string{
		`{"scopes":["read"]}`:                           "name",
		`{"name":"a"}`:                                  "scopes",
		`{"name":"a","scopes":["write"]}`:               "scopes",
		`{"name":"a","scopes":["read"],"tenant":"A b"}`: "tenant",
		`{"name":"a","scopes":["read"],"expires_at":"2001-01-01T00:00:00Z"}`: "expires_at",
		`{"name":"` + strings.Repeat("a", 201) + `","scopes":["read"]}`:      "name",
	} {
		rec := w.do(t, "POST", "/v1/keys", body, jsonBody)
		checkProblem(t, rec, http.StatusUnprocessableEntity, "bad_key")
		if !strings.Contains(rec.Body.String(), `"field":"`+field+`"`) {
			t.Errorf("%s: got %s, want a fault of %s", body, rec.Body, field)
		}
	}
	if keys, err := w.store.APIKeys(t.Context(), ""); err != nil || len(keys) > 0 {
		t.Errorf("%d keys were made, %v", len(keys), err)
	}
}
