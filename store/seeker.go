package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/plateq/plateq/providers"
)

// Seeker finds in texts those that keys stand for. It is not safe for concurrent
// use.
type Seeker struct {
	sealer *Sealer
	want   map[PersonKind]map[AskKey]bool
	seen   map[PersonKind]map[string]bool // what was hashed lately, and whether it is wanted
	words  []string
}

// NewSeeker looks for the given keys.
func NewSeeker(s *Sealer, keys []PersonKey) *Seeker {
	k := &Seeker{sealer: s, want: map[PersonKind]map[AskKey]bool{}, seen: map[PersonKind]map[string]bool{}}
	for _, key := range keys {
		if k.want[key.Kind] == nil {
			k.want[key.Kind], k.seen[key.Kind] = map[AskKey]bool{}, map[string]bool{}
		}
		k.want[key.Kind][key.Hash] = true
	}
	return k
}

// found reports whether the words that were gathered name one of those that are
// looked for, and forgets them.
func (k *Seeker) found() bool {
	words := k.words
	k.words = k.words[:0]
	for kind := range k.want {
		if k.among(kind, words) {
			return true
		}
	}
	return false
}

// among tries words that stand together, as one value may be written in several:
// "+91 94339 52003", "A 123 BC 77".
func (k *Seeker) among(kind PersonKind, words []string) bool {
	if kind == ByName { // numbers may stand between the parts of one
		words = slices.DeleteFunc(slices.Clone(words), isNoName)
	}
	most := map[PersonKind]int{ByPlate: maxPlateWords, ByMobile: maxMobileWords, ByName: maxNameWords, ByHash: 1}[kind]
	for i := range words {
		for n := 1; n <= most && i+n <= len(words); n++ {
			if last := words[i+n-1]; kind == ByMobile && strings.Trim(last, "0123456789") != "" ||
				kind == ByPlate && len(last) > 2*maxVehicle {
				break
			}
			if form, ok := kind.form(words[i : i+n]); ok && k.wants(kind, form) {
				return true
			}
		}
	}
	return false
}

func (k *Seeker) wants(kind PersonKind, form string) bool {
	seen := k.seen[kind]
	wanted, known := seen[form]
	if !known {
		if len(seen) >= maxRemembered {
			clear(seen)
		}
		wanted = k.want[kind][k.sealer.personKey(kind, form).Hash]
		seen[strings.Clone(form)] = wanted
	}
	return wanted
}

func (k *Seeker) text(text string) { k.words = wordsOf(k.words, text) }

func (k *Seeker) subject(s providers.Subject) {
	for _, c := range sortedKeys(s, nil) {
		k.text(s[c])
	}
}

// json gathers the values of a document, not the names of its fields. One that
// cannot be read is taken for text.
func (k *Seeker) json(document []byte) {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	before := len(k.words)
	var v any
	if len(document) == 0 {
		return
	}
	if d.Decode(&v) != nil {
		k.words = k.words[:before]
		k.text(string(document))
		return
	}
	k.value(v)
}

func (k *Seeker) value(v any) {
	switch v := v.(type) {
	case string:
		k.text(v)
	case json.Number:
		k.text(v.String())
	case []any:
		for _, e := range v {
			k.value(e)
		}
	case map[string]any:
		for _, name := range sortedKeys(v, nil) {
			k.value(v[name])
		}
	}
}

// vehicles are the keys of what identifies the vehicle or person of a subject
// by itself. A name does not: others have it too.
func (s *Sealer) vehicles(subject providers.Subject) []PersonKey {
	var keys []PersonKey
	for _, column := range sortedKeys(subject, nil) {
		kind := ByPlate
		switch column {
		case providers.Plate, providers.VIN, providers.Body:
		case providers.PassportHash, providers.FIOBirthHash:
			kind = ByHash
		default:
			continue
		}
		if key, err := s.PersonKey(kind, subject[column]); err == nil && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// people are all keys by which a subject may be suppressed: those of its
// vehicle, and the name.
func (s *Sealer) people(subject providers.Subject) []PersonKey {
	keys := s.vehicles(subject)
	last, first, patronymic := subject[providers.LastName], subject[providers.FirstName], subject[providers.Patronymic]
	for _, name := range []string{last + " " + first + " " + patronymic, last + " " + first} {
		if key, err := s.PersonKey(ByName, name); err == nil && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
