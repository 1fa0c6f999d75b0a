package intake

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// lookalikes are the Cyrillic capitals that a Russian plate can hold, with
// the Latin letters that look the same.
var lookalikes = map[rune]rune{
	'А': 'A', 'В': 'B', 'Е': 'E', 'К': 'K', 'М': 'M', 'Н': 'H',
	'О': 'O', 'Р': 'P', 'С': 'C', 'Т': 'T', 'У': 'Y', 'Х': 'X',
}

// marks are separators that Unicode does not class as spaces, dashes or
// connectors: dots, middle dots, bullets, slashes, the minus sign.
const marks = "\t.·•‧∙⋅・。/\\⁄∕−⁃"

// identifier is how a number of a vehicle is written.
type identifier struct {
	column   providers.Column
	min, max int
	without  string // letters that do not occur
	dashes   bool   // dashes mean something and are kept, as '-'
}

var (
	plateForm = identifier{column: providers.Plate, min: 2, max: 17}
	// ISO 3779. Older numbers of another length belong into the body column.
	vinForm = identifier{column: providers.VIN, min: 17, max: 17, without: "IOQ"}
	// A frame number is written with a dash (GX100-6012345), and it cannot be
	// put back once it is gone.
	bodyForm = identifier{column: providers.Body, min: 2, max: 32, dashes: true}
	// Series and number of a Russian passport.
	passportForm = identifier{column: providers.Passport, min: 10, max: 10, without: latin}
	// A company's tax number. Its check digit is not judged: the provider may
	// know numbers that were given out with a wrong one.
	innForm = identifier{column: providers.INN, min: 10, max: 10, without: latin}
)

// latin are the letters that a number does without.
const latin = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Plate returns the one form of a plate: compatibility characters resolved
// (NFKC), upper case, separators and invisible characters removed, the twelve
// Cyrillic look-alikes written in Latin, nothing else added or dropped. What
// it returns is 2 to 17 characters of A-Z and 0-9 and its own one form.
//
// Otherwise it returns why the plate cannot be asked about, with the code
// plate_empty, plate_characters or plate_length. A line break inside a plate
// is such a character: it stands between two plates. So is a sign that NFKC
// would turn into several letters or digits ("№", "Ⅻ"): nobody meant these
// letters as a part of the plate.
func Plate(raw string) (string, *store.Failure) { return plateForm.canonical(raw) }

// VIN returns the one form of a vehicle identification number, made as that
// of a plate: 17 characters of A-Z and 0-9 without I, O and Q. The check digit
// is not judged, most of the world does not use it. Codes: vin_empty,
// vin_characters, vin_length.
func VIN(raw string) (string, *store.Failure) { return vinForm.canonical(raw) }

// Body returns the one form of a body or frame number, made as that of a
// plate, but that dashes of all kinds are kept as '-': 2 to 32 characters.
// Codes: body_empty, body_characters, body_length.
func Body(raw string) (string, *store.Failure) { return bodyForm.canonical(raw) }

func (d identifier) canonical(raw string) (string, *store.Failure) {
	s, bad := d.fold(raw)
	switch {
	case bad == utf8.RuneError:
		return "", fault(d.column, "characters", "holds a character that cannot be read")
	case bad != none:
		return "", fault(d.column, "characters", "holds %s, which cannot be part of it", strconv.QuoteRune(bad))
	case s == "":
		return "", fault(d.column, "empty", "is missing")
	case d.min == d.max && len(s) != d.min:
		return "", fault(d.column, "length", "must have %d characters and has %d", d.min, len(s))
	case len(s) < d.min || len(s) > d.max:
		return "", fault(d.column, "length", "must have %d to %d characters and has %d", d.min, d.max, len(s))
	}
	return s, nil
}

// fault says what is wrong with the value of a column: "the vin …".
func fault(c providers.Column, what, format string, args ...any) *store.Failure {
	words := "the " + strings.ReplaceAll(string(c), "_", " ") + " " + fmt.Sprintf(format, args...)
	return &store.Failure{Class: store.ClassInvalidInput, Code: string(c) + "_" + what, Message: words}
}

// none stands for no character.
const none rune = -1

// fold writes raw in the form of d. bad is the first character that has no
// place in it, or none.
func (d identifier) fold(raw string) (s string, bad rune) {
	if d.isFolded(raw) {
		return raw, none
	}
	raw = strings.TrimSpace(raw)
	if !isASCII(raw) {
		if bad := expands(raw); bad != none {
			return "", bad
		}
		raw = norm.NFKC.String(raw)
	}
	out := make([]byte, 0, len(raw))
	for _, given := range raw {
		r := unicode.ToUpper(given)
		if latin, ok := lookalikes[r]; ok {
			r = latin
		}
		switch {
		case d.allows(r):
			out = append(out, byte(r)) //nolint:gosec // allows admits ASCII only
		case d.dashes && isDash(r):
			out = append(out, '-')
		case !isSeparator(r):
			return "", given
		}
	}
	return string(out), none
}

func (d identifier) isFolded(s string) bool {
	for i := range len(s) {
		if !d.allows(rune(s[i])) {
			return false
		}
	}
	return true
}

func (d identifier) allows(r rune) bool {
	return ('A' <= r && r <= 'Z' || '0' <= r && r <= '9') && (d.without == "" || !strings.ContainsRune(d.without, r))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// expands returns the first character of s that NFKC turns into more than one
// letter or digit, U+FFFD for bytes that are no character, or none.
func expands(s string) rune {
	for _, r := range s {
		if r == utf8.RuneError {
			return r
		}
		if r < utf8.RuneSelf {
			continue
		}
		n := 0
		for _, part := range norm.NFKC.String(string(r)) {
			if unicode.IsLetter(part) || unicode.IsDigit(part) {
				n++
			}
		}
		if n > 1 {
			return r
		}
	}
	return none
}

func isDash(r rune) bool { return unicode.Is(unicode.Pd, r) || r == '−' || r == '⁃' }

func isSeparator(r rune) bool {
	return unicode.In(r, unicode.Zs, unicode.Pd, unicode.Pc, unicode.Cf) || strings.ContainsRune(marks, r)
}

// text returns the one form of a value that people write: composed (NFC),
// invisible characters removed, runs of spaces made one. The code is
// COLUMN_characters where it holds a control character.
func text(c providers.Column, raw string) (string, *store.Failure) {
	if !isASCII(raw) {
		raw = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, norm.NFC.String(raw))
	}
	s := strings.TrimSpace(raw)
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", fault(c, "characters", "holds a control character")
	}
	if strings.Contains(s, "  ") || !isASCII(s) {
		s = strings.Join(strings.Fields(s), " ")
	}
	return s, nil
}
