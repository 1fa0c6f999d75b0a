// Package wirejson reads JSON that somebody else wrote and that decides over
// money: keys exactly as they came, nothing said twice, text or number alike.
package wirejson

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/plateq/plateq/internal/jsonscan"
)

// Object is a JSON object with its keys exactly as they came, its values as
// they are written, in the order in which they came. encoding/json alone would
// match keys in any case and let the last of two equal ones win; here an object
// that says a thing twice says nothing. Keys and values share the memory of the
// body, which must not change while they are in use. A nil Object is empty and
// readable; one that was read is never nil.
//
// It is no map: objects of an answer have a dozen members, and to go through
// those costs less than to build a map of them.
type Object []member

type member struct{ name, value []byte }

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
func Members(b []byte) (Object, error) { return MembersInto(nil, b) }

// MembersInto does so in the room of an object that is not needed any more.
func MembersInto(o Object, b []byte) (Object, error) {
	if len(b) < 2 || b[0] != '{' {
		return nil, errNoObject
	}
	if o = o[:0]; o == nil {
		o = make(Object, 0, room(len(b)))
	}
	for quoted, value := range jsonscan.Members(b) {
		name, err := nameOf(quoted)
		if err != nil {
			return nil, err
		}
		if len(o) < few && o.holds(name) {
			return nil, errTwice
		}
		o = append(o, member{name, value})
	}
	if len(o) > few && o.twice() {
		return nil, errTwice
	}
	return o, nil
}

// few is how many members each new key is held against: with more, a hostile
// body would cost the square of its length.
const few = 32

// room returns for how many members to make room at once in an object of n
// bytes: as many as are usual, or as are likely in a short one.
func room(n int) int {
	const usual, likely = 12, 24
	return min(usual, 1+n/likely)
}

func (o Object) holds(name []byte) bool {
	for i := range o {
		if bytes.Equal(o[i].name, name) {
			return true
		}
	}
	return false
}

// twice reports whether a key comes twice, however many there are.
func (o Object) twice() bool {
	names := make([][]byte, len(o))
	for i := range o {
		names[i] = o[i].name
	}
	slices.SortFunc(names, bytes.Compare)
	return len(slices.CompactFunc(names, bytes.Equal)) < len(o)
}

// Get returns the value of a key, nil where the key is not there.
func (o Object) Get(name string) json.RawMessage {
	for i := range o {
		if string(o[i].name) == name {
			return o[i].value
		}
	}
	return nil
}

// Has reports whether the key is there, whatever its value.
func (o Object) Has(name string) bool { return o.Get(name) != nil }

// All goes through the members in the order in which they came.
func (o Object) All() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, m := range o {
			if !yield(string(m.name), m.value) {
				return
			}
		}
	}
}

// Swap gives each of two keys what the other one had, which may be nothing.
func (o Object) Swap(one, other string) {
	for i := range o {
		switch string(o[i].name) {
		case one:
			o[i].name = []byte(other)
		case other:
			o[i].name = []byte(one)
		}
	}
}

// nameOf returns a key: where nothing in it is escaped it stays where it is.
func nameOf(b []byte) ([]byte, error) {
	if jsonscan.IsPlain(b) {
		return b[1 : len(b)-1 : len(b)-1], nil
	}
	s, err := jsonscan.Unquote(b)
	return []byte(s), err
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
	for element := range jsonscan.Elements(b) {
		all = append(all, element)
	}
	return all, true
}

// Text returns what Text makes of the value of a key.
func (o Object) Text(name string) (string, bool) { return Text(o.Get(name)) }

// IsNull reports whether a value is null.
func IsNull(b []byte) bool { return string(b) == "null" }
