package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how the letters of a list are written. The zero value is UTF-8,
// or UTF-16 where the list begins with its mark.
type Encoding string

// The encodings that are read. Nothing but UTF-8 and marked UTF-16 is ever
// taken without the caller's word: a wrong letter is another plate, and money.
const (
	UTF8        Encoding = "utf-8"
	UTF16       Encoding = "utf-16"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	Windows1251 Encoding = "windows-1251"
	KOI8R       Encoding = "koi8-r"
	CP866       Encoding = "cp866"
	Windows1252 Encoding = "windows-1252"
)

// charsets lists the encodings beside UTF-8, with other names that people use.
var charsets = []struct {
	name  Encoding
	also  string
	table encoding.Encoding
}{
	{UTF16, "utf16 unicode", utf16.UTF16(utf16.LittleEndian, utf16.UseBOM)},
	{UTF16LE, "utf16le ucs-2le", utf16.UTF16(utf16.LittleEndian, utf16.UseBOM)},
	{UTF16BE, "utf16be ucs-2be", utf16.UTF16(utf16.BigEndian, utf16.UseBOM)},
	{Windows1251, "cp1251 win1251 1251 windows1251", charmap.Windows1251},
	{KOI8R, "koi8r koi8", charmap.KOI8R},
	{CP866, "ibm866 866 dos", charmap.CodePage866},
	{Windows1252, "cp1252 win1252 1252 windows1252 latin1 iso-8859-1 iso8859-1 ansi", charmap.Windows1252},
}

// ParseEncoding returns the encoding of that name, in any of its spellings. The
// error is an *InputError that says which there are.
func ParseEncoding(name string) (Encoding, error) {
	plain := strings.ToLower(strings.TrimSpace(name))
	if plain == "" || plain == string(UTF8) || plain == "utf8" {
		return Encoding(strings.ReplaceAll(plain, "utf8", string(UTF8))), nil
	}
	known := []string{string(UTF8)}
	for _, c := range charsets {
		if plain == string(c.name) || containsWord(c.also, plain) {
			return c.name, nil
		}
		known = append(known, string(c.name))
	}
	return "", &InputError{Code: CodeMalformedOption, Reason: fmt.Sprintf("there is no encoding %.30q", name),
		Hint: "give one of " + strings.Join(known, ", ")}
}

func containsWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// decode returns the text of r in UTF-8, and what it was written in. What is
// no UTF-8 where it should be, the reader of lines finds.
func decode(r *bufio.Reader, e Encoding) (io.Reader, Encoding, error) {
	head, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("read list: %w", err)
	}
	marked := Encoding("")
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return r, e, nil // UTF-32, which is refused by its first bytes
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		marked = UTF16LE
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		marked = UTF16BE
	case bytes.HasPrefix(head, []byte(bom)):
		marked = UTF8
	}
	switch {
	case marked != "" && e != "" && e != marked && (e != UTF16 || marked == UTF8):
		return nil, "", &InputError{Code: CodeEncoding, Line: 1, Reason: fmt.Sprintf("it is marked as %s, not %s", marked, e), Hint: "leave --encoding away"}
	case marked != "":
		e = marked
	case e == UTF16:
		e = UTF16LE // what those write who leave the mark away
	}
	for _, c := range charsets {
		if c.name == e {
			return transform.NewReader(r, c.table.NewDecoder()), e, nil
		}
	}
	return r, UTF8, nil
}

// guess offers the encoding in which text that is not UTF-8 reads like words,
// or none. Nobody acts on it but a person.
func guess(text []byte) Encoding {
	best, most := Encoding(""), 0.6
	for _, c := range charsets {
		table, ok := c.table.(*charmap.Charmap)
		if !ok {
			continue
		}
		if likely := likelihood(table, text); likely > most {
			best, most = c.name, likely
		}
	}
	return best
}

// likelihood is the part of the bytes beyond ASCII that would be letters as
// words have them: the usual ones, and lower case behind a letter.
func likelihood(table *charmap.Charmap, text []byte) float64 {
	high, score := 0, 0.0
	var before rune
	for _, b := range text {
		r := rune(b)
		if b >= utf8.RuneSelf {
			high++
			r = table.DecodeByte(b)
			score += plausible(r, before)
		}
		before = r
	}
	if high == 0 {
		return 0
	}
	return score / float64(high)
}

// usual are letters that Russian, French and Spanish are full of.
const usual = "оеаинтсрвлкмдпуяыгзбчйхжОЕАИНТСРВЛКМПУГéèàçêôùáíóúñü"

func plausible(r, before rune) float64 {
	switch {
	case !unicode.IsLetter(r):
		return 0
	case unicode.IsUpper(r) && unicode.IsLower(before), unicode.Is(unicode.Cyrillic, r) && unicode.Is(unicode.Latin, before):
		return 0.1 // no word is written so
	case strings.ContainsRune(usual, r):
		return 1
	default:
		return 0.6
	}
}
