package export

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/plateq/plateq/store"
)

func appendInt(b []byte, n int) []byte   { return strconv.AppendInt(b, int64(n), 10) }
func appendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// appendText is appendString with null for the empty one.
func appendText(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendString(b, s)
}

const hexDigits = "0123456789abcdef"

// appendString writes s as JSON. Unlike encoding/json it leaves <, > and & as
// they are; like it, it escapes U+2028 and U+2029 and replaces bytes that are
// not UTF-8.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == '\u2028' || r == '\u2029' || r == utf8.RuneError && size == 1 {
				b = append(b, s[from:i]...)
				b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
				from = i + size
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			b = appendEscaped(append(b, s[from:i]...), c)
			from = i + 1
		}
		i++
	}
	return append(append(b, s[from:]...), '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}

// appendValue writes JSON as one line; null for nothing, and a string of what
// is no JSON.
func appendValue(b []byte, v json.RawMessage) []byte {
	switch {
	case len(v) == 0:
		return append(b, "null"...)
	case !json.Valid(v):
		return appendString(b, string(v))
	case bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0:
		return append(b, v...)
	}
	var line bytes.Buffer
	_ = json.Compact(&line, v) // it was found valid
	return append(b, line.Bytes()...)
}

func appendFailure(b []byte, f *store.Failure) []byte {
	if f == nil {
		return append(b, "null"...)
	}
	b = appendString(append(b, `{"class":`...), string(f.Class))
	b = appendString(append(b, `,"code":`...), f.Code)
	b = appendString(append(b, `,"message":`...), f.Message)
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = t.UTC().AppendFormat(append(b, '"'), timeForm)
	return append(b, '"')
}

// appendLine writes a line of the customer's list as an object.
func appendLine(b []byte, names, cells []string) []byte {
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = appendString(b, at(cells, i))
	}
	return append(b, '}')
}

// at returns cell i of a line, which is empty behind the end of it.
func at(cells []string, i int) string {
	if i < len(cells) {
		return cells[i]
	}
	return ""
}
