package attestr

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// object is a JSON object with its keys exactly as they came, its values as
// they are written. encoding/json alone would match keys in any case and let
// the last of two equal ones win; here an object that says a thing twice says
// nothing. Values share the memory of the body.
type object map[string]json.RawMessage

// parse reads a body that is one JSON object in UTF-8, with or without a byte
// order mark.
func parse(body []byte) (object, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errors.New("read object: not JSON in UTF-8")
	}
	return members(bytes.TrimSpace(body))
}

var (
	errNoObject = errors.New("read object: not an object")
	errTwice    = errors.New("read object: a key comes twice")
)

// members reads the members of an object that is part of a parsed body, so
// that only its borders have to be found.
func members(b []byte) (object, error) {
	if len(b) < 2 || b[0] != '{' {
		return nil, errNoObject
	}
	o := make(object, 8)
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

// elements reads the elements of an array that is part of a parsed body. null
// is an array without any. False: it is no array.
func elements(b []byte) ([]json.RawMessage, bool) {
	if isNull(b) {
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

func space(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

func isNull(b []byte) bool { return string(b) == "null" }

func unquote(b []byte) (string, error) {
	if len(b) >= 2 && !bytes.ContainsRune(b, '\\') {
		return string(b[1 : len(b)-1]), nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	return s, err
}

// text returns a string, or a number as it is written. False: the key is not
// there or holds something else.
func (o object) text(key string) (string, bool) {
	raw := o[key]
	switch {
	case len(raw) == 0 || isNull(raw):
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
