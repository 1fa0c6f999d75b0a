package store

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ErrNoKey says that there is no API key of that id.
var ErrNoKey = errors.New("no such API key")

// Scope is one thing that an API key lets its holder do.
type Scope string

// The scopes. None has another in it, but for ReadPII, which has Read.
const (
	// ScopeSubmit hands lists in and steers them: estimates, pause, resume,
	// cancel, retry.
	ScopeSubmit Scope = "submit"
	// ScopeRead sees how things stand, without what is personal.
	ScopeRead Scope = "read"
	// ScopeReadPII sees what is personal as well.
	ScopeReadPII Scope = "read:pii"
	// ScopeOperate decides about calls of which nobody knows, and about gates.
	ScopeOperate Scope = "operate"
	// ScopeAdmin sets budgets and makes and revokes keys.
	ScopeAdmin Scope = "admin"
)

// Scopes lists all scopes.
func Scopes() []Scope {
	return []Scope{ScopeSubmit, ScopeRead, ScopeReadPII, ScopeOperate, ScopeAdmin}
}

// AllTenants is the tenant of a key that is nobody's in particular: it sees
// what all of them have, and what is common to them. What it submits is
// DefaultTenant's.
const AllTenants = "*"

var tenantName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// CheckTenant returns what is wrong with the name of a tenant.
func CheckTenant(name string) error {
	if !tenantName.MatchString(name) {
		return fmt.Errorf("%q is no name of a tenant: it has up to 63 of a-z, 0-9, _ and -, and begins with a letter or digit", name)
	}
	return nil
}

// APIKey is a key of the HTTP API. Its secret is not kept, only a hash of it:
// it is 256 bits at random, so that nobody finds it by trying.
type APIKey struct {
	ID     string
	Name   string
	Tenant string // or AllTenants
	Scopes []Scope
	Hash   [sha256.Size]byte
	// Created is when it was made, Expires when it ends; zero: it does not.
	Created, Expires time.Time
	// Used is about when it was shown last, Revoked when it was taken back;
	// zero: never.
	Used, Revoked time.Time
}

// Allows reports whether the key has a scope.
func (k APIKey) Allows(s Scope) bool {
	return slices.Contains(k.Scopes, s) || s == ScopeRead && slices.Contains(k.Scopes, ScopeReadPII)
}

// Valid reports whether the key counts at a time.
func (k APIKey) Valid(now time.Time) bool {
	return k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}

// Opens reports whether a secret of that hash is the key's. It takes as long
// whatever they have in common.
func (k APIKey) Opens(hash [sha256.Size]byte) bool {
	return subtle.ConstantTimeCompare(k.Hash[:], hash[:]) == 1
}

// The form of a key as it is shown: plq_<id>_<secret>.
const (
	keyPrefix    = "plq_"
	keyIDSize    = 10 // bytes
	keyIDText    = 16
	keySecretLen = 52 // of 32 bytes
)

var keyText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// MakeAPIKey gives k an id and a secret and returns it as it is to be kept, and
// the text that is shown once and kept by nobody here.
func MakeAPIKey(k APIKey) (kept APIKey, text string) {
	k.ID = keyText.EncodeToString(random(keyIDSize))
	secret := keyText.EncodeToString(random(keySize))
	k.Hash = sha256.Sum256([]byte(secret))
	return k, keyPrefix + k.ID + "_" + secret
}

// ParseAPIKey reads the text of a key. False: it has not the form of one.
func ParseAPIKey(text string) (id string, hash [sha256.Size]byte, ok bool) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	id, secret, cut := strings.Cut(rest, "_")
	if !ok || !cut || !keyWord(id, keyIDText) || !keyWord(secret, keySecretLen) {
		return "", hash, false
	}
	return id, sha256.Sum256([]byte(secret)), true
}

func keyWord(s string, length int) bool {
	bad := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }
	return len(s) == length && !strings.ContainsFunc(s, bad)
}

// JoinScopes writes scopes as a store keeps them.
func JoinScopes(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}

// SplitScopes is the inverse of JoinScopes.
func SplitScopes(text string) []Scope {
	var scopes []Scope
	for word := range strings.FieldsSeq(text) {
		scopes = append(scopes, Scope(word))
	}
	return scopes
}

// Access keeps the keys of the HTTP API. No key is ever forgotten: that there
// was one means that keys are needed.
type Access interface {
	// AddAPIKey keeps a key that MakeAPIKey made. o is the request for it, nil:
	// it has no key; *RepeatError: it came before.
	AddAPIKey(ctx context.Context, k APIKey, o *Once) error
	// APIKey returns the key of that id, expired and revoked ones too, or
	// ErrNoKey.
	APIKey(ctx context.Context, id string) (APIKey, error)
	// APIKeys lists the keys of a tenant or, with "", of all, oldest first.
	APIKeys(ctx context.Context, tenant string) ([]APIKey, error)
	// RevokeAPIKey takes a key back for good, or ErrNoKey. It stays revoked
	// when it first was.
	RevokeAPIKey(ctx context.Context, id string) error
	// UsedAPIKeys notes when keys, by id, were shown last. A key does not go
	// back in time, and one that is not there is passed over.
	UsedAPIKeys(ctx context.Context, at map[string]time.Time) error
}
