package store

import (
	"crypto/rand"
	"encoding/hex"
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
	factMove    = "moved"           // only where it was
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
		f[factSealing+hex.EncodeToString(key.ID[:])] = Fingerprint(key.Key)
	}
	return f
}

// ID returns the id of the store that keeps the facts; empty: it has none yet.
func (f Facts) ID() string { return f[factID] }

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
		if name != factID && f[name] != kept[name] {
			return &KeysError{Which: name}
		}
	}
	return nil
}
