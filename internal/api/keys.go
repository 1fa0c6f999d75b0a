package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/store"
)

// keyView is a key as it is sent.
type keyView struct {
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	Tenant     string        `json:"tenant"`
	Scopes     []store.Scope `json:"scopes"`
	State      string        `json:"state" enum:"valid,expired,revoked"`
	CreatedAt  timestamp     `json:"created_at"`
	ExpiresAt  *timestamp    `json:"expires_at"`
	LastUsedAt *timestamp    `json:"last_used_at"`
	RevokedAt  *timestamp    `json:"revoked_at"`
	Key        string        `json:"key,omitempty" doc:"What its holder shows. It is there in the answer that makes it, and never again."`
}

func viewKey(k store.APIKey, now time.Time) keyView {
	v := keyView{
		ID: k.ID, Name: k.Name, Tenant: k.Tenant, Scopes: k.Scopes, State: "valid", CreatedAt: timestamp(k.Created),
		ExpiresAt: timestampOf(k.Expires), LastUsedAt: timestampOf(k.Used), RevokedAt: timestampOf(k.Revoked),
	}
	switch {
	case !k.Revoked.IsZero():
		v.State = "revoked"
	case !k.Valid(now):
		v.State = "expired"
	}
	return v
}

// keyRequest is a key that somebody wants made.
type keyRequest struct {
	Name      string        `json:"name" maxLength:"200" doc:"Who or what uses it."`
	Tenant    string        `json:"tenant,omitempty" doc:"Whose things it sees; * for those of all. That of the caller where it is left out."`
	Scopes    []store.Scope `json:"scopes"`
	ExpiresAt *time.Time    `json:"expires_at,omitempty"`
}

// createKey makes a key and answers with it, this once.
func (s *server) createKey(w http.ResponseWriter, r *http.Request) error {
	once, err := onceOf(r)
	if err != nil {
		return err
	}
	var req keyRequest
	if err := readBody(r, &req); err != nil {
		return err
	}
	if req.Tenant == "" {
		req.Tenant = submitter(r.Context())
	}
	if err := badFields(http.StatusUnprocessableEntity, "bad_key", req.faults(s.Now())); err != nil {
		return err
	}
	if !ofAll(r.Context()) && !sees(r.Context(), req.Tenant) {
		return problem(http.StatusForbidden, "not_yours", "this key makes keys of its own tenant only")
	}
	k := store.APIKey{Name: req.Name, Tenant: req.Tenant, Scopes: req.Scopes, Created: store.Millis(s.Now())}
	if req.ExpiresAt != nil {
		k.Expires = store.Millis(*req.ExpiresAt)
	}
	k, text := store.MakeAPIKey(k)
	id, err := s.doOnce(w, r, once, submitter(r.Context()), k.ID, func(ctx context.Context, o *store.Once) error {
		if err := s.note(ctx, store.ActKeyMade, k.Tenant, k.ID, store.JoinScopes(k.Scopes)); err != nil {
			return err
		}
		if err := s.Store.AddAPIKey(ctx, k, o); err != nil {
			return err
		}
		s.Log.Info().Str("api_key", k.ID).Str("tenant", k.Tenant).Str("scopes", store.JoinScopes(k.Scopes)).
			Str("by", requester(ctx)).Msg("an API key is made")
		return nil
	})
	if err == nil && id != k.ID { // what its holder shows is in the first answer alone
		k, err = s.Store.APIKey(r.Context(), id)
		text = ""
	}
	if err != nil {
		return err
	}
	v := viewKey(k, s.Now())
	v.Key = text
	return writeJSON(w, http.StatusCreated, v)
}

// faults returns what is wrong with a key that somebody wants.
func (k *keyRequest) faults(now time.Time) (faults []FieldError) {
	add := func(bad bool, field, format string, args ...any) {
		if bad {
			faults = append(faults, FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
		}
	}
	k.Name = strings.TrimSpace(k.Name)
	add(k.Name == "", "name", "it is missing: say who or what uses the key")
	add(len([]rune(k.Name)) > maxName, "name", "it is longer than %d characters", maxName)
	if k.Tenant != store.AllTenants {
		err := store.CheckTenant(k.Tenant)
		add(err != nil, "tenant", "%v", err)
	}
	all := store.Scopes()
	add(len(k.Scopes) == 0, "scopes", "name one or more of %s", joined(all))
	for _, scope := range k.Scopes {
		add(!slices.Contains(all, scope), "scopes", "there is no scope %q; there are %s", clip(string(scope)), joined(all))
	}
	slices.Sort(k.Scopes)
	k.Scopes = slices.Compact(k.Scopes)
	add(k.ExpiresAt != nil && !k.ExpiresAt.After(now), "expires_at", "it is over already")
	return faults
}

func joined(scopes []store.Scope) string {
	return strings.ReplaceAll(store.JoinScopes(scopes), " ", ", ")
}

// listKeys answers with the keys that are the caller's to see, oldest first.
func (s *server) listKeys(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	keys, err := s.Store.APIKeys(r.Context(), tenantOf(r.Context()))
	if err != nil {
		return err
	}
	views := make([]keyView, len(keys))
	for i, k := range keys {
		views[i] = viewKey(k, s.Now())
	}
	return writeJSON(w, http.StatusOK, items[keyView]{views})
}

// revokeKey takes a key back. The next request that shows it is refused.
func (s *server) revokeKey(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	k, err := s.Store.APIKey(ctx, id)
	if err == nil && !sees(ctx, k.Tenant) {
		err = store.ErrNoKey
	}
	if err == nil {
		err = s.note(ctx, store.ActKeyRevoked, k.Tenant, k.ID)
	}
	if err == nil {
		err = s.Store.RevokeAPIKey(ctx, id)
	}
	if err == nil {
		k, err = s.Store.APIKey(ctx, id)
	}
	if err != nil {
		return err
	}
	s.Log.Info().Str("api_key", k.ID).Str("by", requester(ctx)).Msg("an API key is revoked")
	return writeJSON(w, http.StatusOK, viewKey(k, s.Now()))
}
