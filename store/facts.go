package store

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
)

// Names of the facts that a store keeps about itself.
const (
	factID      = "id"
	factUse     = "use"
	factIndex   = "index key"
	factSealing = "encryption key " // and its name
	// factReplaced and its name: all that the key had sealed was sealed anew.
	factReplaced = "replaced key "
	factMove     = "moved" // only where it was
)

const (
	useReal      = "real"
	useSimulated = "simulated"
)

// Facts are what a store keeps about itself, by name: its id, its use and the
// fingerprints of its keys. A fact that is kept is never replaced.
type Facts map[string]string

// NewFacts returns the facts of a new store with these keys.
func NewFacts(k Keys, simulated bool) Facts {
	f := Facts{factID: "s_" + strings.ToLower(rand.Text()[:20]), factUse: useReal, factIndex: Fingerprint(k.Index)}
	if simulated {
		f[factUse] = useSimulated
	}
	for _, key := range k.Seal {
		f[factSealing+key.Name()] = Fingerprint(key.Key)
	}
	return f
}

// ID returns the id of the store that keeps the facts; empty: it has none yet.
func (f Facts) ID() string { return f[factID] }

// Seals reports whether a sealing key of that name is in use.
func (f Facts) Seals(key string) bool { return f[factSealing+key] != "" }

// Verify refuses a store that was made for another use, *MarkError, or with
// other keys, *KeysError. Every key that ever sealed must be given, or some
// values could not be read. One that was moved is a *MovedError.
func (f Facts) Verify(kept Facts) error {
	if d := kept.Departure(); !d.At.IsZero() {
		return &MovedError{Departure: d}
	}
	if use, ok := kept[factUse]; ok && use != f[factUse] {
		return &MarkError{Simulated: use == useSimulated}
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		if name != factID && !strings.HasPrefix(name, factReplaced) && f[name] != kept[name] {
			return &KeysError{Which: name}
		}
	}
	return nil
}

// Sign returns what is to be written into a store that keeps these facts before
// k is used: all of them for a new store, later the key that seals. One that
// only opens may have sealed nothing there, and can be taken away again.
func (k Keys) Sign(kept Facts, simulated bool) Facts {
	f := NewFacts(k, simulated)
	if kept.ID() == "" {
		return f
	}
	for _, key := range k.Seal[1:] {
		delete(f, factSealing+key.Name())
	}
	return f
}

// VerifySealing refuses keys with which a store must not be used, or no longer:
// *KeysError where one is missing that others seal with, *ReplacedKeyError where
// the first one was replaced.
func (k Keys) VerifySealing(kept Facts) error {
	given := map[string]string{}
	for _, key := range k.Seal {
		given[factSealing+key.Name()] = Fingerprint(key.Key)
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		if strings.HasPrefix(name, factSealing) && given[name] != kept[name] {
			return &KeysError{Which: name}
		}
	}
	if first := k.Seal[0].Name(); kept[factReplaced+first] != "" {
		return &ReplacedKeyError{Key: first}
	}
	return nil
}
