package api

import (
	"net/http"

	"github.com/plateq/plateq/store"
)

// public marks routes that everybody may ask for.
const public store.Scope = ""

// scopes says what a key needs for a route. A route that is not here is
// answered to nobody, so that none is forgotten.
var scopes = map[string]store.Scope{
	"POST /v1/batches":                           store.ScopeSubmit,
	"POST /v1/estimates/problems":                store.ScopeSubmit,
	"POST /v1/estimates":                         store.ScopeSubmit,
	"POST /v1/batches/{id}/pause":                store.ScopeSubmit,
	"POST /v1/batches/{id}/resume":               store.ScopeSubmit,
	"POST /v1/batches/{id}/cancel":               store.ScopeSubmit,
	"POST /v1/batches/{id}/poll":                 store.ScopeSubmit,
	"POST /v1/batches/{id}/retry":                store.ScopeSubmit,
	"POST /v1/lookups":                           store.ScopeSubmit,
	"GET /v1/batches/{id}/events":                store.ScopeRead,
	"GET /v1/batches":                            store.ScopeRead,
	"GET /v1/batches/{id}":                       store.ScopeRead,
	"GET /v1/batches/{id}/results":               store.ScopeRead,
	"GET /v1/batches/{id}/changes":               store.ScopeReadPII,
	"GET /v1/ledger":                             store.ScopeRead,
	"GET /v1/ledger/totals":                      store.ScopeRead,
	"GET /v1/budgets":                            store.ScopeRead,
	"GET /v1/unknown":                            store.ScopeRead,
	"GET /v1/providers":                          store.ScopeRead,
	"POST /v1/unknown/resend":                    store.ScopeOperate,
	"POST /v1/unknown/give-up":                   store.ScopeOperate,
	"POST /v1/unknown/adopt":                     store.ScopeOperate,
	"POST /v1/providers/{name}/open":             store.ScopeOperate,
	"POST /v1/providers/{name}/close":            store.ScopeOperate,
	"GET /v1/providers/{name}/history":           store.ScopeRead,
	"GET /v1/series":                             store.ScopeRead,
	"GET /v1/batches/{id}/timeline":              store.ScopeRead,
	"GET /v1/queues":                             store.ScopeOperate,
	"POST /v1/queues/{queue}/pause":              store.ScopeOperate,
	"POST /v1/queues/{queue}/resume":             store.ScopeOperate,
	"GET /v1/queues/{queue}/tasks":               store.ScopeOperate,
	"POST /v1/queues/{queue}/tasks/{id}/run":     store.ScopeOperate,
	"POST /v1/queues/{queue}/tasks/{id}/archive": store.ScopeOperate,
	"DELETE /v1/queues/{queue}/tasks/{id}":       store.ScopeOperate,
	"PUT /v1/budgets/{scope}":                    store.ScopeAdmin,
	"DELETE /v1/budgets/{scope}":                 store.ScopeAdmin,
	"GET /v1/audit":                              store.ScopeAdmin,
	"GET /v1/audit/verify":                       store.ScopeAdmin,
	"POST /v1/keys":                              store.ScopeAdmin,
	"GET /v1/keys":                               store.ScopeAdmin,
	"DELETE /v1/keys/{id}":                       store.ScopeAdmin,
	"POST /v1/hooks":                             store.ScopeAdmin,
	"DELETE /v1/hooks/{id}":                      store.ScopeAdmin,
	"POST /v1/hooks/{id}/rotate":                 store.ScopeAdmin,
	"GET /v1/hooks":                              store.ScopeOperate,
	"GET /v1/deliveries":                         store.ScopeOperate,
	"POST /v1/deliveries/{id}/replay":            store.ScopeOperate,
	"GET /healthz":                               public,
	"GET /readyz":                                public,
	"GET /openapi.json":                          public,
	"GET /docs":                                  public,
	"GET /docs.css":                              public,
	"POST /v1/schedules":                         store.ScopeSubmit,
	"POST /v1/schedules/{id}/pause":              store.ScopeSubmit,
	"POST /v1/schedules/{id}/resume":             store.ScopeSubmit,
	"POST /v1/schedules/{id}/run":                store.ScopeSubmit,
	"DELETE /v1/schedules/{id}":                  store.ScopeSubmit,
	"GET /v1/schedules":                          store.ScopeRead,
	"GET /v1/schedules/{id}":                     store.ScopeRead,
}

// admitted lets a request through to mux if its caller may ask for its route,
// and notes under which key it is answered. Who has no key yet is answered by
// the name of this machine alone, as a page that rebinds its own name to it
// must not read what is kept here.
func (s *server) admitted(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		key, err := s.admit(r, pattern)
		if err != nil {
			r.Pattern = pattern // for the log
			s.handle(func(w http.ResponseWriter, _ *http.Request) error {
				if p, _ := problemOf(err); p.Status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", "Bearer")
				}
				return err
			}).ServeHTTP(w, r)
			return
		}
		answerFor(r.Context(), key)
		next.ServeHTTP(w, r)
	})
}

// admit returns the key under which a request is answered, or why it is not.
func (s *server) admit(r *http.Request, pattern string) (store.APIKey, error) {
	needs, known := scopes[pattern]
	if known && needs == public {
		return store.APIKey{}, s.reachable(r)
	}
	open, err := s.Access.open(r.Context())
	switch {
	case err != nil:
		return store.APIKey{}, err
	case open && bearer(r) == "" || s.Access == nil:
		return everything(r.Context()), hostAllowed(r)
	case pattern == "":
		return store.APIKey{}, nil // there is nothing to be seen
	}
	key, err := s.Access.identify(r)
	if err != nil {
		return store.APIKey{}, err
	}
	if !known || !key.Allows(needs) {
		return store.APIKey{}, problem(http.StatusForbidden, "scope_missing", "the key needs the scope %s for this", needs)
	}
	return key, nil
}

// reachable refuses what is public under foreign names, while everything is.
// Where the store is away it is answered: that is what it is there to tell.
func (s *server) reachable(r *http.Request) error {
	if open, err := s.Access.open(r.Context()); open && err == nil {
		return hostAllowed(r)
	}
	return nil
}

// hostAllowed refuses requests that were made to another name than this
// machine's own.
func hostAllowed(r *http.Request) error {
	if loopback(r.Host) {
		return nil
	}
	return problem(http.StatusForbidden, "host_not_allowed", "without API keys, only requests to localhost or a loopback address are answered")
}
