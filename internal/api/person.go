package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/plateq/plateq/store"
)

// person is for whom a page of ours asks.
type person struct {
	key     string
	without []store.Scope
}

type personKey struct{}

// As has requests with this context answered as if the key of that id was
// shown, but without some of its scopes. Nothing that comes over the wire can
// say so: it is for pages that are served by the same process, which ask the
// handler themselves for somebody whose key they have seen. The key is looked
// up for each request, so that one that is revoked ends there too. With an
// empty id it is somebody without a key, who may do what anybody may as long
// as none was ever made.
func As(ctx context.Context, key string, without ...store.Scope) context.Context {
	return context.WithValue(ctx, personKey{}, person{key, without})
}

// leaves is k without the scopes that the caller goes without.
func (p person) leaves(k store.APIKey) store.APIKey {
	if slices.Contains(p.without, store.ScopeReadPII) && k.Allows(store.ScopeReadPII) {
		k.Scopes = append(slices.Clone(k.Scopes), store.ScopeRead) // which the other has in it
	}
	k.Scopes = slices.DeleteFunc(slices.Clone(k.Scopes), func(s store.Scope) bool { return slices.Contains(p.without, s) })
	return k
}

// Open reports whether everybody may do everything, as no key was ever made
// and none is needed. It is so for loopback names alone: see Local.
func (a *Access) Open(ctx context.Context) (bool, error) { return a.open(ctx) }

// Local reports whether a Host header names this machine, which is all that is
// answered while Access is open.
func Local(host string) bool { return loopback(host) }

// Show returns the key of that text if it counts, as for a request that shows
// it: whoever tries many is slowed down alike. That somebody logs in, or has
// tried, is in the audit log. An error is a *Problem unless the store failed.
func (a *Access) Show(r *http.Request, text string) (store.APIKey, error) {
	k, err := a.judge(r, text)
	switch p, refused := errors.AsType[*Problem](err); {
	case err == nil:
		err = a.note(r.Context(), store.ActLogin, k)
	case refused && p.Status == http.StatusUnauthorized: // what is slowed down would only fill the log
		err = errors.Join(a.note(r.Context(), store.ActLoginFailed, store.APIKey{Tenant: store.AllTenants}), err)
	}
	if err != nil {
		return store.APIKey{}, err
	}
	return k, nil
}

// Leave notes in the audit log that whoever logged in with the key of that id
// has logged out.
func (a *Access) Leave(ctx context.Context, id string) error {
	k, err := a.keys.APIKey(ctx, id)
	if errors.Is(err, store.ErrNoKey) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up API key: %w", err)
	}
	return a.note(ctx, store.ActLogout, k)
}

func (a *Access) note(ctx context.Context, kind store.ActKind, k store.APIKey) error {
	act := store.Act{Who: "no key", Kind: kind, Tenant: k.Tenant, About: k.ID}
	if k.ID != "" {
		act.Who = "key " + k.ID
	}
	if _, err := a.keys.NoteAct(ctx, act); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// Holder returns the key of that id as long as it counts. An error is a
// *Problem unless the store failed.
func (a *Access) Holder(ctx context.Context, id string) (store.APIKey, error) {
	k, err := a.keys.APIKey(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNoKey) {
		return store.APIKey{}, fmt.Errorf("look up API key: %w", err)
	}
	if err != nil || !k.Valid(a.now()) {
		return store.APIKey{}, unauthorised()
	}
	return k, nil
}

// holds is identify for somebody whose key was seen before.
func (a *Access) holds(ctx context.Context, p person) (store.APIKey, error) {
	k, err := a.Holder(ctx, p.key)
	if err != nil {
		return store.APIKey{}, err
	}
	if err := a.counted(k); err != nil {
		return store.APIKey{}, err
	}
	return p.leaves(k), nil
}

// counted notes that a key is used, or refuses it where it is too often.
func (a *Access) counted(k store.APIKey) error {
	now := a.now()
	if wait, ok := a.good.admit(k.ID, now); !ok {
		return tooMany(wait)
	}
	a.mu.Lock()
	a.used[k.ID] = now
	a.mu.Unlock()
	return nil
}

func unauthorised() *Problem {
	return problem(http.StatusUnauthorized, "unauthorised", "show an API key that is valid: Authorization: Bearer plq_…")
}
