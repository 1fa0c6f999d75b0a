package store

import (
	"encoding/hex"
	"maps"
	"slices"
)

// Names of the facts that a store keeps about itself.
const (
	factUse     = "use"
	factIndex   = "index key"
	factSealing = "encryption key " // and its name
)

const (
	useReal      = "real"
	useSimulated = "simulated"
)

// Facts are what a store keeps about itself, by name: its use and the
// fingerprints of its keys.
type Facts map[string]string

// NewFacts returns the facts of a store with these keys.
func NewFacts(k Keys, simulated bool) Facts {
	f := Facts{factUse: useReal, factIndex: Fingerprint(k.Index)}
	if simulated {
		f[factUse] = useSimulated
	}
	for _, key := range k.Seal {
		f[factSealing+hex.EncodeToString(key.ID[:])] = Fingerprint(key.Key)
	}
	return f
}

// Verify refuses a store that was made for another use, *MarkError, or with
// other keys, *KeysError. Every key that ever sealed must be given, or some
// values could not be read.
func (f Facts) Verify(kept Facts) error {
	if use, ok := kept[factUse]; ok && use != f[factUse] {
		return &MarkError{Simulated: use == useSimulated}
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		if f[name] != kept[name] {
			return &KeysError{Which: name}
		}
	}
	return nil
}
