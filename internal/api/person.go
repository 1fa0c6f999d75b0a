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
// it: whoever tries many is slowed down alike. An error is a *Problem unless
// the store failed.
func (a *Access) Show(r *http.Request, text string) (store.APIKey, error) {
	return a.judge(r, text)
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
