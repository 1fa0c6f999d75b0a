package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/plateq/plateq/providers"
)

// The forms in which personal columns are sealed. They are JSON, so that a
// field can be added without touching what is stored; an answer is framed
// instead, because what a provider sent is kept byte for byte, and lines and
// questions, of which there are millions, are records of their own.

type ticketHandle struct {
	ID     string `json:"id"`
	Number string `json:"no,omitempty"`
	Cursor []byte `json:"cur,omitempty"`
	Plan   []byte `json:"plan,omitempty"`
	Named  bool   `json:"-"` // the store knows it of the ticket
}

// EncodeTicket returns what is sealed of a ticket.
func EncodeTicket(t providers.Ticket) ([]byte, error) {
	return encode("ticket", ticketHandle(t))
}

// DecodeTicket is the inverse of EncodeTicket.
func DecodeTicket(text []byte) (providers.Ticket, error) {
	var h ticketHandle
	err := decode("ticket", text, &h)
	return providers.Ticket(h), err
}

type hint struct {
	Ticket  string            `json:"t,omitempty"`
	Record  string            `json:"r,omitempty"`
	Subject providers.Subject `json:"s,omitempty"`
	Signed  string            `json:"g,omitempty"`
}

// EncodeHints returns what is sealed of an orphan. Equal hints give equal text.
func EncodeHints(hints []providers.Hint) ([]byte, error) {
	all := make([]hint, len(hints))
	for i, h := range hints {
		all[i] = hint(h)
	}
	return encode("hint", all)
}

// DecodeHints is the inverse of EncodeHints.
func DecodeHints(text []byte) ([]providers.Hint, error) {
	var all []hint
	if err := decode("hint", text, &all); err != nil {
		return nil, err
	}
	hints := make([]providers.Hint, len(all))
	for i, h := range all {
		hints[i] = providers.Hint(h)
	}
	return hints, nil
}

type batchMeta struct {
	Name     string           `json:"name,omitempty"`
	Purpose  string           `json:"purpose,omitempty"`
	Metadata json.RawMessage  `json:"meta,omitempty"`
	Columns  []string         `json:"cols,omitempty"`
	Params   providers.Params `json:"params,omitempty"`
	Fresh    bool             `json:"fresh,omitempty"`
}

// EncodeMeta returns what is sealed of a batch.
func EncodeMeta(b NewBatch) ([]byte, error) {
	return encode("batch", batchMeta{Name: b.Name, Purpose: b.Purpose, Metadata: b.Metadata, Columns: b.Columns, Params: b.Params, Fresh: b.Reuse.Fresh})
}

// DecodeMeta fills in Name, Purpose, Metadata, Columns, Params and Fresh.
func DecodeMeta(text []byte, b *Batch) error {
	var m batchMeta
	if err := decode("batch", text, &m); err != nil {
		return err
	}
	b.Name, b.Purpose, b.Metadata, b.Columns, b.Params, b.Fresh = m.Name, m.Purpose, m.Metadata, m.Columns, m.Params, m.Fresh
	return nil
}

func encode(what string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	return text, nil
}

// decode leaves the cause out: errors of encoding/json can quote values.
func decode(what string, text []byte, v any) error {
	if json.Unmarshal(text, v) != nil {
		return fmt.Errorf("decode %s: the bytes are damaged", what)
	}
	return nil
}

var errAnswer = errors.New("decode answer: the bytes are damaged")

// EncodeAnswer returns what is sealed of an answer, its time left out: the
// result and the raw answer, each behind its length, and the failure as JSON.
func EncodeAnswer(a Answer) ([]byte, error) {
	var failure []byte
	if a.Failure != nil {
		var err error
		if failure, err = encode("answer", a.Failure); err != nil {
			return nil, err
		}
	}
	b := make([]byte, 0, 2*binary.MaxVarintLen32+len(a.Result)+len(a.Raw)+len(failure))
	b = append(binary.AppendUvarint(b, uint64(len(a.Result))), a.Result...)
	b = append(binary.AppendUvarint(b, uint64(len(a.Raw))), a.Raw...)
	return append(b, failure...), nil
}

// DecodeAnswer is the inverse of EncodeAnswer. The answer shares text's bytes.
func DecodeAnswer(text []byte) (a Answer, err error) {
	if a.Result, text, err = frame(text); err != nil {
		return Answer{}, err
	}
	if a.Raw, text, err = frame(text); err != nil {
		return Answer{}, err
	}
	if len(text) > 0 {
		if err := decode("answer", text, &a.Failure); err != nil {
			return Answer{}, err
		}
	}
	return a, nil
}

func frame(b []byte) (part, rest []byte, err error) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) { //nolint:gosec // k is at most len(b)
		return nil, nil, errAnswer
	}
	if n == 0 {
		return nil, b[k:], nil
	}
	end := k + int(n) //nolint:gosec // bounded by len(b)
	return b[k:end:end], b[end:], nil
}
