package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/plateq/plateq/internal/jsonscan"
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
	for name, value := range jsonscan.Members(line) {
		m := member{unquote(name), value}
		for _, other := range into {
			if other.name == m.name {
				return into, errRepeated
			}
		}
		into = append(into, m)
	}
	return into, nil
}

func tooDeep(text []byte) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += jsonscan.String(text[i:]) - 1
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

// unquote returns the text of a valid JSON string.
func unquote(quoted []byte) string {
	s, _ := jsonscan.Unquote(quoted) // it was found valid
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
