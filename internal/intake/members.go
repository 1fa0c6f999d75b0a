package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// member is one of an object: its name and its value as JSON text.
type member struct {
	name  string
	value []byte
}

// maxDepth is how deep a value of a JSON Lines row may be nested.
const maxDepth = 32

var (
	errNotObject = errors.New("the line is not a JSON object")
	errDepth     = errors.New("the line is nested too deep")
	errRepeated  = errors.New("the line names a member twice")
)

// readMembers appends the members of the object in line to into, in order.
func readMembers(line []byte, into []member) ([]member, error) {
	line = bytes.TrimSpace(line)
	if tooDeep(line) {
		return into, errDepth
	}
	if len(line) == 0 || line[0] != '{' || !utf8.Valid(line) || !json.Valid(line) {
		return into, errNotObject
	}
	// From here on the text is valid JSON, so that only its shape matters.
	for at := skipSpace(line, 1); line[at] != '}'; {
		end := stringEnd(line, at)
		m := member{name: unquote(line[at:end])}
		at = skipSpace(line, skipSpace(line, end)+1) // over the colon
		end = valueEnd(line, at)
		m.value = line[at:end]
		for _, other := range into {
			if other.name == m.name {
				return into, errRepeated
			}
		}
		into = append(into, m)
		if at = skipSpace(line, end); line[at] == ',' {
			at = skipSpace(line, at+1)
		}
	}
	return into, nil
}

func tooDeep(text []byte) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			if i = stringEnd(text, i) - 1; i < 0 {
				return false // not closed: no JSON
			}
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

func skipSpace(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// stringEnd returns where the string that begins at at ends, 0 if it does not.
func stringEnd(text []byte, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// valueEnd returns where the valid value that begins at at ends.
func valueEnd(text []byte, at int) int {
	switch text[at] {
	case '"':
		return stringEnd(text, at)
	case '{', '[':
	default:
		return at + bytes.IndexAny(text[at:], ",}] \t\r\n")
	}
	depth := 0
	for i := at; ; i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// unquote returns the text of a valid JSON string.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it was found valid
	return s
}

// cell returns a value as a cell: strings as their text, null as nothing,
// anything else as its JSON text. plain is false for what is neither text nor
// a whole number.
func (m member) cell() (s string, plain bool) {
	switch m.value[0] {
	case '"':
		return unquote(m.value), true
	case 'n':
		return "", true
	default:
		s = string(m.value)
		return s, strings.Trim(s, "0123456789") == ""
	}
}
