package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/plateq/plateq/store"
)

var keyRules = []rule{
	{"a key is kept, and of its secret only a hash", keyKept},
	{"the keys of one tenant can be listed", keyTenants},
	{"a revoked key stays, revoked when it first was", keyRevoked},
	{"when a key was used last never goes back", keyUsed},
}

// key adds a key and returns it as it should be kept, and its text.
func (w *world) key(tenant string) (store.APIKey, string) {
	w.t.Helper()
	k, text := store.MakeAPIKey(store.APIKey{
		Name: "of " + tenant, Tenant: tenant, Scopes: []store.Scope{store.ScopeSubmit, store.ScopeReadPII},
		Created: store.Millis(w.now()), Expires: store.Millis(w.in(time.Hour)),
	})
	w.must(w.s.AddAPIKey(w.ctx, k, nil), "add API key")
	return k, text
}

func (w *world) keyNow(id string) store.APIKey {
	w.t.Helper()
	k, err := w.s.APIKey(w.ctx, id)
	w.must(err, "read API key")
	return k
}

// keysOf lists the ids of a tenant's keys.
func (w *world) keysOf(tenant string) []string {
	w.t.Helper()
	keys, err := w.s.APIKeys(w.ctx, tenant)
	w.must(err, "list API keys")
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}

func (w *world) noKey(what string, err error) {
	w.t.Helper()
	if !errors.Is(err, store.ErrNoKey) {
		w.t.Errorf("%s: got error %v, want ErrNoKey", what, err)
	}
}

func keyKept(w *world) {
	_, err := w.s.APIKey(w.ctx, "nobody")
	w.noKey("read a key that is not there", err)
	k, text := w.key("acme")
	w.reopen()
	got := w.keyNow(k.ID)
	equal(w, "key", got, k)
	_, hash, _ := store.ParseAPIKey(text)
	equal(w, "its secret opens it", got.Opens(hash), true)
	if err := w.s.AddAPIKey(w.ctx, k, nil); err == nil {
		w.t.Error("a key was added twice")
	}
}

func keyTenants(w *world) {
	equal(w, "keys of an empty store", w.keysOf(""), []string{})
	first, _ := w.key("acme")
	w.pass(time.Second)
	second, _ := w.key("other")
	w.pass(time.Second)
	third, _ := w.key("acme")
	equal(w, "keys", w.keysOf(""), []string{first.ID, second.ID, third.ID})
	equal(w, "keys of a tenant", w.keysOf("acme"), []string{first.ID, third.ID})
	equal(w, "keys of nobody", len(w.keysOf("nobody")), 0)
}

func keyRevoked(w *world) {
	w.noKey("revoke a key that is not there", w.s.RevokeAPIKey(w.ctx, "nobody"))
	k, _ := w.key("acme")
	other, _ := w.key("acme")
	when := w.now()
	w.must(w.s.RevokeAPIKey(w.ctx, k.ID), "revoke API key")
	w.pass(time.Minute)
	w.must(w.s.RevokeAPIKey(w.ctx, k.ID), "revoke API key again")
	equal(w, "revoked", w.keyNow(k.ID).Revoked, store.Millis(when))
	equal(w, "the other is revoked", !w.keyNow(other.ID).Revoked.IsZero(), false)
	equal(w, "it is still there", slices.Contains(w.keysOf(""), k.ID), true)
}

func keyUsed(w *world) {
	k, _ := w.key("acme")
	equal(w, "used before it was", w.keyNow(k.ID).Used.IsZero(), true)
	used := func(at time.Time) {
		w.t.Helper()
		w.must(w.s.UsedAPIKeys(w.ctx, map[string]time.Time{k.ID: at, "nobody": at}), "note use")
	}
	used(w.in(time.Minute))
	used(w.now())
	equal(w, "used", w.keyNow(k.ID).Used, store.Millis(w.in(time.Minute)))
}
