// Package wirejson reads JSON that somebody else wrote and that decides over
// money: keys exactly as they came, nothing said twice, text or number alike.
package wirejson

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Object is a JSON object with its keys exactly as they came, its values as
// they are written. encoding/json alone would match keys in any case and let
// the last of two equal ones win; here an object that says a thing twice says
// nothing. Values share the memory of the body. A nil Object is empty and
// readable.
type Object map[string]json.RawMessage

// Parse reads a body that is one JSON object in UTF-8, with or without a byte
// order mark.
func Parse(body []byte) (Object, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errors.New("read object: not JSON in UTF-8")
	}
	return Members(bytes.TrimSpace(body))
}

var (
	errNoObject = errors.New("read object: not an object")
	errTwice    = errors.New("read object: a key comes twice")
)

// Members reads the members of an object that is part of a parsed body, so
// that only its borders have to be found.
func Members(b []byte) (Object, error) {
	if len(b) < 2 || b[0] != '{' {
		return nil, errNoObject
	}
	o := make(Object, 8)
	for rest := space(b[1:]); len(rest) > 0 && rest[0] != '}'; {
		end := value(rest)
		key, err := unquote(rest[:end])
		if err != nil {
			return nil, err
		}
		if _, twice := o[key]; twice {
			return nil, errTwice
		}
		rest = space(space(rest[end:])[1:]) // the colon
		end = value(rest)
		o[key] = json.RawMessage(rest[:end:end])
		rest = next(rest[end:])
	}
	return o, nil
}

// Elements reads the elements of an array that is part of a parsed body. null
// is an array without any. False: it is no array.
func Elements(b []byte) ([]json.RawMessage, bool) {
	if IsNull(b) {
		return nil, true
	}
	if len(b) < 2 || b[0] != '[' {
		return nil, false
	}
	all := []json.RawMessage{}
	for rest := space(b[1:]); len(rest) > 0 && rest[0] != ']'; {
		end := value(rest)
		all = append(all, json.RawMessage(rest[:end:end]))
		rest = next(rest[end:])
	}
	return all, true
}

// Text returns a string, or a number as it is written. False: the key is not
// there or holds something else.
func (o Object) Text(key string) (string, bool) {
	raw := o[key]
	switch {
	case len(raw) == 0 || IsNull(raw):
		return "", false
	case raw[0] == '"':
		s, err := unquote(raw)
		return s, err == nil
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw), true
	default:
		return "", false
	}
}

// IsNull reports whether a value is null.
func IsNull(b []byte) bool { return string(b) == "null" }

// value returns the length of the valid JSON value that b begins with.
func value(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += quoted(b[i:]) - 1
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
	return len(b)
}

// quoted returns the length of the string that b begins with.
func quoted(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// next skips the comma between two members or elements.
func next(b []byte) []byte {
	b = space(b)
	if len(b) > 0 && b[0] == ',' {
		b = space(b[1:])
	}
	return b
}

// space skips blanks: most often there are none, and bytes.TrimLeft would
// prepare for them all the same.
func space(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

func unquote(b []byte) (string, error) {
	if len(b) >= 2 && !bytes.ContainsRune(b, '\\') {
		return string(b[1 : len(b)-1]), nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	return s, err
}
