// Package jsonscan finds the parts of JSON that is known to be valid, where
// they stand: nothing is copied or read but the text itself.
//
// Text that is no valid JSON has parts that mean nothing, or none; it causes
// no panic, and no part reaches beyond it. Parts share the memory of the text.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"iter"
)

// Members goes through the members of an object in their order: each name as
// it is written, in its quotes, and each value. What is no object has none.
func Members(text []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for rest := inside(text, '{'); len(rest) > 0 && rest[0] == '"'; rest = Behind(rest) {
			end := String(rest)
			name := rest[:end:end]
			rest = Space(rest[end:])
			if len(rest) == 0 || rest[0] != ':' {
				return
			}
			rest = Space(rest[1:])
			end = Value(rest)
			if end == 0 || !yield(name, rest[:end:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// Elements goes through the elements of an array in their order. What is no
// array has none.
func Elements(text []byte) iter.Seq[[]byte] {
	return func(yield func(element []byte) bool) {
		for rest := inside(text, '['); len(rest) > 0 && rest[0] != ']'; rest = Behind(rest) {
			end := Value(rest)
			if end == 0 || !yield(rest[:end:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// inside returns what follows an opening bracket; nil: there is none.
func inside(text []byte, opens byte) []byte {
	text = Space(text)
	if len(text) == 0 || text[0] != opens {
		return nil
	}
	return Space(text[1:])
}

// Behind skips the comma that may follow a member or an element, and blanks.
func Behind(text []byte) []byte {
	text = Space(text)
	if len(text) > 0 && text[0] == ',' {
		text = Space(text[1:])
	}
	return text
}

// Value returns the length of the value that text begins with; 0: none.
func Value(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += String(text[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i // behind a number or a word
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue // within a number or a word, which has no end of its own
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// String returns the length of the string that text begins with, quotes
// included: all of text where it is not closed.
func String(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(text)
}

// Space skips blanks. Most often there are none, and bytes.TrimLeft would
// prepare for them all the same.
func Space(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\n' || text[0] == '\t' || text[0] == '\r') {
		text = text[1:]
	}
	return text
}

// IsPlain reports whether a string says just what is between its quotes.
func IsPlain(quoted []byte) bool {
	return len(quoted) >= len(`""`) && bytes.IndexByte(quoted, '\\') < 0
}

// Unquote returns what a string says. The error is that of encoding/json.
func Unquote(quoted []byte) (string, error) {
	if IsPlain(quoted) {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var s string
	err := json.Unmarshal(quoted, &s)
	return s, err
}
