package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/plateq/plateq/providers"
)

// Lines and questions are fields, each a tag, its length and its text. Tags are
// small letters; one that is not known is passed over with its field, so that a
// field can be added without touching what is stored.
const (
	tagCallerID = 'i'
	tagColumn   = 's' // of the subject: its name, then its value
	tagParam    = 'p' // the same
	tagCell     = 'l' // of the customer's columns, in order
	tagProblem  = 'f' // a Failure in JSON
	tagValue    = 'v' // of the name before it
	tagNoCells  = 'e' // there are columns, and none of them
)

// EncodeLine returns what is sealed of a row.
func EncodeLine(r NewRow) ([]byte, error) { return appendLine(nil, r) }

func appendLine(b []byte, r NewRow) ([]byte, error) {
	var problem []byte
	if r.Problem != nil {
		var err error
		if problem, err = encode("row", r.Problem); err != nil {
			return nil, err
		}
	}
	if r.CallerID != "" {
		b = appendField(b, tagCallerID, r.CallerID)
	}
	b = appendPairs(b, tagColumn, r.Subject)
	for _, cell := range r.Line {
		b = appendField(b, tagCell, cell)
	}
	if r.Line != nil && len(r.Line) == 0 {
		b = appendField(b, tagNoCells, "")
	}
	if problem != nil {
		b = appendField(b, tagProblem, string(problem))
	}
	return b, nil
}

// DecodeLine fills in CallerID, Subject, Line and Problem.
func DecodeLine(text []byte, r *Row) error {
	r.CallerID, r.Subject, r.Line, r.Problem = "", nil, nil, nil
	var column providers.Column
	return eachField("row", text, func(tag byte, value []byte) error {
		switch tag {
		case tagCallerID:
			r.CallerID = string(value)
		case tagColumn:
			column = providers.Column(value)
		case tagValue:
			r.Subject = put(r.Subject, column, value)
		case tagCell:
			r.Line = append(r.Line, string(value))
		case tagNoCells:
			r.Line = []string{}
		case tagProblem:
			return json.Unmarshal(value, &r.Problem)
		}
		return nil
	})
}

// EncodeQuestion returns what is sealed of an ask.
func EncodeQuestion(q Question) []byte { return appendQuestion(nil, q) }

func appendQuestion(b []byte, q Question) []byte {
	return appendPairs(appendPairs(b, tagColumn, q.Subject), tagParam, q.Params)
}

// DecodeQuestion is the inverse of EncodeQuestion.
func DecodeQuestion(text []byte) (q Question, err error) {
	var name string
	var param bool
	return q, eachField("question", text, func(tag byte, value []byte) error {
		switch {
		case tag == tagColumn || tag == tagParam:
			name, param = string(value), tag == tagParam
		case tag == tagValue && param:
			q.Params = put(q.Params, name, value)
		case tag == tagValue:
			q.Subject = put(q.Subject, providers.Column(name), value)
		}
		return nil
	})
}

func appendField[T ~string](b []byte, tag byte, text T) []byte {
	b = binary.AppendUvarint(append(b, tag), uint64(len(text)))
	return append(b, text...)
}

// appendPairs writes names and values in the order of the names.
func appendPairs[M ~map[K]string, K ~string](b []byte, tag byte, pairs M) []byte {
	var few [4]K
	for _, name := range sortedKeys(pairs, few[:]) {
		b = appendField(appendField(b, tag, name), tagValue, pairs[name])
	}
	return b
}

func put[M ~map[K]string, K comparable](m M, name K, value []byte) M {
	if m == nil {
		m = M{}
	}
	m[name] = string(value)
	return m
}

var errRecord = errors.New("the bytes are damaged")

// eachField hands over the fields of a record. An error leaves the cause out,
// which could quote values.
func eachField(what string, b []byte, field func(tag byte, value []byte) error) error {
	for len(b) > 0 {
		n, k := binary.Uvarint(b[1:])
		if b[0] < 'a' || b[0] > 'z' || k <= 0 || n > uint64(len(b)-1-k) { //nolint:gosec // k is less than len(b)
			return fmt.Errorf("decode %s: %w", what, errRecord)
		}
		end := 1 + k + int(n) //nolint:gosec // bounded by len(b)
		if field(b[0], b[1+k:end:end]) != nil {
			return fmt.Errorf("decode %s: %w", what, errRecord)
		}
		b = b[end:]
	}
	return nil
}

// sortedKeys lists the keys of a map, which mostly has one.
// sortedKeys returns the keys of m in order, in room as far as they fit.
func sortedKeys[M ~map[K]V, K ~string, V any](m M, room []K) []K {
	keys := room[:0]
	for k := range m {
		keys = append(keys, k)
	}
	if len(keys) > 1 {
		slices.Sort(keys)
	}
	return keys
}
