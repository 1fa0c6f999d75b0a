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
	factMove     = "moved"  // only where it was
	factRegion   = "region" // only where one is named
)

const (
	useReal      = "real"
	useSimulated = "simulated"
)

// Facts are what a store keeps about itself, by name: its id, its use, its
// region and the fingerprints of its keys. A fact that is kept is never replaced.
type Facts map[string]string

// NewFacts returns the facts of a new store with these keys. An empty region is
// none, and such a store gets one from the first who names it.
func NewFacts(k Keys, simulated bool, region string) Facts {
	f := Facts{factID: "s_" + strings.ToLower(rand.Text()[:20]), factUse: useReal, factIndex: Fingerprint(k.Index)}
	if simulated {
		f[factUse] = useSimulated
	}
	if region != "" {
		f[factRegion] = region
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

// Verify refuses a store that was made for another use, *MarkError, that is in
// another region, *RegionError, or was made with
// other keys, *KeysError. Every key that ever sealed must be given, or some
// values could not be read. One that was moved is a *MovedError.
func (f Facts) Verify(kept Facts) error {
	if d := kept.Departure(); !d.At.IsZero() {
		return &MovedError{Departure: d}
	}
	if region, ok := kept[factRegion]; ok && region != f[factRegion] {
		return &RegionError{Store: region, Here: f[factRegion]}
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
func (k Keys) Sign(kept Facts, simulated bool, region string) Facts {
	f := NewFacts(k, simulated, region)
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
