package intake

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// sharedStrings are the texts that cells point to, one behind the other.
type sharedStrings struct {
	text []byte
	ends []uint32
}

func (s *sharedStrings) at(index string) (string, error) {
	i, err := strconv.Atoi(index)
	if s == nil || err != nil || i < 0 || i >= len(s.ends) {
		return "", fmt.Errorf("there is no shared string %.20q", index)
	}
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return string(s.text[from:s.ends[i]]), nil
}

func readSharedStrings(f *zip.File) (*sharedStrings, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s := &sharedStrings{}
	d := xml.NewDecoder(r)
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "si" {
			text, err := richText(d, "si")
			if err != nil {
				return nil, err
			}
			s.text = append(s.text, text...)
			s.ends = append(s.ends, uint32(len(s.text))) //nolint:gosec // bounded by maxUnpacked
		}
	}
}

// richText reads the text inside of the element end: that of all its runs, but
// not how it is pronounced.
func richText(d *xml.Decoder, end string) (string, error) {
	var text []byte
	inText, begins, spoken := false, 0, 0
	for {
		token, err := d.RawToken()
		if err != nil {
			return "", noEnd(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inText, begins = e.Name.Local == "t", len(text)
			if e.Name.Local == "rPh" {
				spoken++
			}
		case xml.EndElement:
			if inText { // each run is escaped by itself
				text = text[:begins+len(unescape(text[begins:]))]
			}
			inText = false
			switch e.Name.Local {
			case end:
				return string(text), nil
			case "rPh":
				spoken--
			}
		case xml.CharData:
			if inText && spoken == 0 {
				text = append(text, e...)
			}
		}
	}
}

// unescape reads what Excel writes for characters that XML cannot hold, or
// changes: _x000D_ is a carriage return, and _x005F_ the underscore of a text
// that only looks so (ECMA-376 part 1, 22.9.2.19, ST_Xstring). Two that are a
// surrogate pair are one character; half of a pair is none and becomes U+FFFD,
// so that no plate is asked without it. Any other, NUL too, is what it stands
// for. It is done in place, as nothing gets longer.
func unescape(text []byte) []byte {
	at := bytes.Index(text, []byte("_x"))
	if at < 0 {
		return text
	}
	out := text[:at]
	for at < len(text) {
		r, ok := escaped(text[at:])
		if !ok {
			out = append(out, text[at])
			at++
			continue
		}
		at += escapeLen
		if utf16.IsSurrogate(r) {
			low, _ := escaped(text[at:])
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				at += escapeLen
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

const escapeLen = len("_x0000_")

// escaped returns the UTF-16 unit with whose escape text begins, if it does.
func escaped(text []byte) (rune, bool) {
	if len(text) < escapeLen || text[0] != '_' || text[1] != 'x' || text[escapeLen-1] != '_' {
		return 0, false
	}
	var unit [2]byte
	if _, err := hex.Decode(unit[:], text[2:escapeLen-1]); err != nil {
		return 0, false
	}
	return rune(unit[0])<<8 | rune(unit[1]), true
}
