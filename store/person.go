package store

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PersonKind is what somebody, or a vehicle of theirs, is known by. Values enter
// keyed hashes that are kept for years.
type PersonKind string

// The kinds.
const (
	ByPlate  PersonKind = "plate" // a plate, VIN or body number
	ByMobile PersonKind = "mobile"
	ByName   PersonKind = "name"
	ByHash   PersonKind = "passport_hash" // or any other hash that a provider is sent
)

// PersonKinds lists the kinds.
func PersonKinds() []PersonKind { return []PersonKind{ByPlate, ByMobile, ByName, ByHash} }

// PersonKey is the keyed hash of what somebody is known by: it finds them, and
// does not tell who they are.
type PersonKey struct {
	Kind PersonKind
	Hash AskKey
}

// String writes a key as ParsePersonKey reads it.
func (k PersonKey) String() string { return string(k.Kind) + ":" + hex.EncodeToString(k.Hash[:]) }

// ParsePersonKey is the inverse of PersonKey.String.
func ParsePersonKey(text string) (k PersonKey, err error) {
	kind, sum, _ := strings.Cut(text, ":")
	hash, err := hex.DecodeString(sum)
	if err != nil || len(hash) != KeySize || !slices.Contains(PersonKinds(), PersonKind(kind)) {
		return k, fmt.Errorf("%q is no key of a person, such as plate:0f3a…", clipped(text))
	}
	return PersonKey{Kind: PersonKind(kind), Hash: AskKey(hash)}, nil
}

// PersonValueError says that a value is too short or of the wrong characters to
// find somebody by. It does not quote it.
type PersonValueError struct{ Kind PersonKind }

func (e *PersonValueError) Error() string {
	want := map[PersonKind]string{
		ByPlate: "2 to 32 letters and digits", ByMobile: "7 to 15 digits",
		ByName: "1 to 5 words of letters", ByHash: "16 letters and digits or more",
	}[e.Kind]
	if want == "" {
		return fmt.Sprintf("nobody is known by a %q", string(e.Kind))
	}
	return fmt.Sprintf("the value does not look like a %s: it must be %s", e.Kind, want)
}

// PersonKey returns the key of a value, however it is written: with country code
// or without, in any order of the names, in Cyrillic letters that look Latin.
func (s *Sealer) PersonKey(kind PersonKind, value string) (PersonKey, error) {
	words := wordsOf(nil, value)
	form, ok := "", false
	if slices.Contains(PersonKinds(), kind) {
		form, ok = kind.form(words)
	}
	if !ok {
		return PersonKey{}, &PersonValueError{Kind: kind}
	}
	return s.personKey(kind, form), nil
}

func (s *Sealer) personKey(kind PersonKind, form string) PersonKey {
	return PersonKey{Kind: kind, Hash: AskKey(s.Hash("person", string(kind), form))}
}

const (
	maxVehicle             = 32 // letters and digits of the longest number by which a vehicle is taken in, a body number
	minMobile, maxMobile   = 7, 15
	nationalMobile         = 10 // digits that are left without a country code
	minHash                = 16
	maxNameWords           = 5
	maxPlateWords          = 5
	maxMobileWords         = 6
	maxRemembered          = 1 << 16
	lookAlikes, lookLatins = "АВЕКМНОРСТУХ", "ABEKMHOPCTYX"
)

// form is the one way of writing all words together that is hashed. False: they
// are nothing of that kind.
func (k PersonKind) form(words []string) (string, bool) {
	switch k {
	case ByName:
		if len(words) == 0 || len(words) > maxNameWords || slices.ContainsFunc(words, isNoName) {
			return "", false
		}
		words = slices.Sorted(slices.Values(words))
		return strings.Join(words, " "), utf8.RuneCountInString(strings.Join(words, "")) > 1
	case ByMobile:
		digits := strings.Join(words, "")
		if len(digits) < minMobile || len(digits) > maxMobile || strings.Trim(digits, "0123456789") != "" {
			return "", false
		}
		return digits[max(0, len(digits)-nationalMobile):], true
	case ByPlate:
		plate := strings.Map(latin, strings.Join(words, ""))
		return plate, len(plate) >= 2 && len(plate) <= maxVehicle
	case ByHash:
		hash := strings.ToLower(strings.Join(words, ""))
		return hash, len(words) == 1 && len(hash) >= minHash
	}
	return "", false
}

func isNoName(word string) bool {
	return strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
}

// latin folds a capital Cyrillic letter that looks like a Latin one.
func latin(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	if i := slices.Index([]rune(lookAlikes), r); i >= 0 {
		return rune(lookLatins[i])
	}
	return r
}

// wordsOf adds the words of a text to others: runs of letters and digits, in
// capitals. What is between < and > is markup.
func wordsOf(words []string, text string) []string {
	text = norm.NFKC.String(text)
	start, tag := -1, false
	end := func(at int) {
		if start >= 0 {
			words = append(words, strings.ToUpper(text[start:at]))
		}
		start = -1
	}
	for i, r := range text {
		switch {
		case r == '<' && strings.IndexByte(text[i:], '>') > 0:
			end(i)
			tag = true
		case tag:
			tag = r != '>'
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			if !unicode.Is(unicode.Cf, r) {
				end(i)
			}
		case start < 0:
			start = i
		}
	}
	end(len(text))
	return words
}
