package api_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// guarded is a world in which keys are asked for, and its clock.
func guarded(t *testing.T, o api.AccessOptions) (*world, *api.Access) {
	t.Helper()
	var access *api.Access
	w := newWorld(t, func(a *api.Options) {
		access = api.NewAccess(a.Store, o)
		a.Access, a.Now = access, o.Now
	})
	return w, access
}

// key makes a key and returns the header that shows it, and its id.
func (w *world) key(t *testing.T, k store.APIKey) (header, id string) {
	t.Helper()
	k.Name, k.Created = "test", time.Now()
	k, text := store.MakeAPIKey(k)
	if err := w.store.AddAPIKey(t.Context(), k, nil); err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + text, k.ID
}

// request makes a request of a pattern, whose wildcards stand for nothing that
// is there.
func (w *world) request(t *testing.T, pattern string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.NewReplacer("{id}", "b_aaaaaaaaaaaaaaaaaaaa", "{scope}", "tenant:acme:day", "{name}", "attestr").Replace(path)
	body := ""
	if method != http.MethodGet {
		body = "{}"
		headers = append(headers, jsonBody)
	}
	return w.do(t, method, path, body, headers...)
}

// apiRoutes are all routes but those of webhooks.
func apiRoutes() []string {
	return slices.DeleteFunc(api.Routes(api.Options{Providers: &providers.Set{}}), func(pattern string) bool { return strings.Contains(pattern, " /hooks/") })
}

func TestEveryRouteHasAScope(t *testing.T) {
	t.Parallel()
	if got, want := slices.Sorted(maps.Keys(api.Scopes())), slices.Sorted(slices.Values(apiRoutes())); !slices.Equal(got, want) {
		t.Errorf("scopes are for\n%q\nand routes are\n%q", got, want)
	}
}

func TestEveryRouteNeedsAKeyThatCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w, _ := guarded(t, api.AccessOptions{Now: func() time.Time { now = now.Add(time.Minute); return now }})
	all := store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()}
	good, id := w.key(t, all)
	revoked, gone := w.key(t, all)
	if err := w.store.RevokeAPIKey(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	all.Expires = now
	expired, _ := w.key(t, all)
	none, _ := store.MakeAPIKey(store.APIKey{})
	_, unknown := store.MakeAPIKey(none)
	for pattern, needs := range api.Scopes() {
		want := ""
		for name, headers := range map[string][]string{
			"no key": nil, "an empty one": {"Authorization: Bearer "}, "a revoked one": {revoked}, "one that is over": {expired},
			"one that never was": {"Authorization: Bearer " + unknown}, "another secret": {"Authorization: Bearer plq_" + id + unknown[20:]},
			"no bearer": {strings.Replace(good, "Bearer", "Basic", 1)}, "a foreign name": {"Host: plateq.example"},
		} {
			rec := w.request(t, pattern, headers...)
			if needs == "" {
				if rec.Code != http.StatusOK {
					t.Errorf("%s with %s: got %d, want it to be public", pattern, name, rec.Code)
				}
				continue
			}
			checkProblem(t, rec, http.StatusUnauthorized, "unauthorised")
			h := rec.Header()
			h.Del("X-Request-Id")
			said, _, _ := strings.Cut(rec.Body.String(), `"request_id"`)
			for _, name := range slices.Sorted(maps.Keys(h)) {
				said += name + ": " + h.Get(name) + "\n"
			}
			if want == "" {
				want = said
			}
			if said != want {
				t.Errorf("%s with %s is told apart:\n%s\nis not\n%s", pattern, name, said, want)
			}
		}
		if rec := w.request(t, pattern, good, "Host: plateq.example"); rec.Code == http.StatusUnauthorized || rec.Code == http.StatusForbidden {
			t.Errorf("%s with a good key: got %d %s", pattern, rec.Code, rec.Body)
		}
	}
	checkProblem(t, w.request(t, "GET /v1/batches", good, good+"x"), http.StatusUnauthorized, "unauthorised")
	if strings.Contains(w.log.String(), unknown) || strings.Contains(w.log.String(), strings.TrimPrefix(good, "Authorization: Bearer ")) {
		t.Error("a key is in the log")
	}
}

func TestEveryRouteNeedsItsScope(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	keys := map[store.Scope]string{}
	for _, scope := range store.Scopes() {
		keys[scope], _ = w.key(t, store.APIKey{Tenant: store.AllTenants, Scopes: []store.Scope{scope}})
	}
	for pattern, needs := range api.Scopes() {
		for scope, key := range keys {
			may := needs == "" || scope == needs || needs == store.ScopeRead && scope == store.ScopeReadPII
			rec := w.request(t, pattern, key)
			if refused := rec.Code == http.StatusForbidden; refused == may {
				t.Errorf("%s with the scope %s: got %d %s", pattern, scope, rec.Code, rec.Body)
			}
		}
	}
}

func TestTheFirstKeyClosesTheDoor(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	if rec := w.do(t, "GET", "/v1/batches", ""); rec.Code != http.StatusOK {
		t.Errorf("without any key: got %d %s", rec.Code, rec.Body)
	}
	checkProblem(t, w.do(t, "GET", "/v1/batches", "", "Host: evil.example"), http.StatusForbidden, "host_not_allowed")
	_, text := store.MakeAPIKey(store.APIKey{})
	checkProblem(t, w.do(t, "GET", "/v1/batches", "", "Authorization: Bearer "+text), http.StatusUnauthorized, "unauthorised")
	key, id := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	checkProblem(t, w.do(t, "GET", "/v1/batches", ""), http.StatusUnauthorized, "unauthorised")
	if rec := w.do(t, "GET", "/v1/batches", "", key); rec.Code != http.StatusOK {
		t.Errorf("with the key: got %d %s", rec.Code, rec.Body)
	}
	if err := w.store.RevokeAPIKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	checkProblem(t, w.do(t, "GET", "/v1/batches", ""), http.StatusUnauthorized, "unauthorised")
}

func TestAKeyMayBeNeededBeforeThereIsOne(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{Needed: true})
	checkProblem(t, w.do(t, "GET", "/v1/batches", ""), http.StatusUnauthorized, "unauthorised")
	if rec := w.do(t, "GET", "/healthz", "", "Host: 10.0.0.7:8080"); rec.Code != http.StatusOK {
		t.Errorf("health: got %d", rec.Code)
	}
}

// awayKeys are keys that cannot be reached.
type awayKeys struct{ store.Store }

func (awayKeys) APIKey(context.Context, string) (store.APIKey, error) {
	return store.APIKey{}, store.ErrAway
}

func (awayKeys) APIKeys(context.Context, string) ([]store.APIKey, error) {
	return nil, store.ErrAway
}

func TestWithoutTheStoreNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	for _, needed := range []bool{true, false} {
		w := newWorld(t, func(o *api.Options) {
			o.Access = api.NewAccess(awayKeys{o.Store}, api.AccessOptions{Needed: needed})
		})
		checkProblem(t, w.do(t, "GET", "/v1/batches", ""), http.StatusServiceUnavailable, "store_away")
		if rec := w.do(t, "GET", "/healthz", ""); rec.Code != http.StatusOK {
			t.Errorf("health: got %d", rec.Code)
		}
	}
}

func TestAKeyMayComeSoOften(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w, _ := guarded(t, api.AccessOptions{Rate: 2, Now: func() time.Time { return now }})
	key, _ := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	other, _ := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	ask := func(key string, want int) *httptest.ResponseRecorder {
		t.Helper()
		rec := w.do(t, "GET", "/v1/batches", "", key)
		if rec.Code != want {
			t.Errorf("got %d %s, want %d", rec.Code, rec.Body, want)
		}
		return rec
	}
	ask(key, 200)
	ask(key, 200)
	rec := ask(key, 429)
	checkProblem(t, rec, http.StatusTooManyRequests, "too_many_requests")
	if got := rec.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After is %q, want 1", got)
	}
	ask(other, 200)
	now = now.Add(500 * time.Millisecond)
	ask(key, 200)
	ask(key, 429)
}

func TestWrongKeysAreSlowedDownAndGoodOnesAreNot(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w, _ := guarded(t, api.AccessOptions{Now: func() time.Time { return now }})
	key, _ := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	for range 20 {
		checkProblem(t, w.do(t, "GET", "/v1/batches", ""), http.StatusUnauthorized, "unauthorised")
	}
	rec := w.do(t, "GET", "/v1/batches", "")
	checkProblem(t, rec, http.StatusTooManyRequests, "too_many_requests")
	if got := rec.Header().Get("Retry-After"); got != "3" {
		t.Errorf("Retry-After is %q, want 3", got)
	}
	if rec := w.do(t, "GET", "/v1/batches", "", key); rec.Code != http.StatusOK {
		t.Errorf("a good key from the same address: got %d", rec.Code)
	}
}

func TestUseIsWrittenDownByFlush(t *testing.T) {
	t.Parallel()
	now := store.Millis(time.Now())
	w, access := guarded(t, api.AccessOptions{Now: func() time.Time { return now }})
	key, id := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	used := func() time.Time {
		t.Helper()
		k, err := w.store.APIKey(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return k.Used
	}
	w.do(t, "GET", "/v1/batches", "", key)
	if got := used(); !got.IsZero() {
		t.Errorf("used %v before it was flushed", got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := access.Flush(gone); err == nil {
		t.Fatal("what could not be written was not missed")
	}
	if err := access.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := used(); !got.Equal(now) {
		t.Errorf("used %v, want %v", got, now)
	}
	if err := access.Flush(gone); err != nil {
		t.Errorf("nothing was written twice: %v", err)
	}
}
