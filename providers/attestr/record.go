package attestr

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// record is one record of a batch.
type record struct {
	batchID string          // empty where it was not given
	self    wirejson.Object // all that it says
	plate   string          // canonical
	status  string
	output  wirejson.Object // nil where there is none
	raw     json.RawMessage
}

// reader reads one record after the other. A record is of use until the next
// one is read, as both are read into the same room.
type reader struct{ self, input, output wirejson.Object }

// read reads a record. False: it does not say whose it is or how it stands.
func (d *reader) read(raw json.RawMessage) (record, bool) {
	var err error
	if d.self, err = wirejson.MembersInto(d.self, raw); err != nil {
		return record{}, false
	}
	r := record{raw: raw, self: d.self}
	var reg string
	if in := r.self.Get("input"); !wirejson.IsNull(in) {
		if d.input, err = wirejson.MembersInto(d.input, in); err != nil {
			return record{}, false
		}
		reg, _ = d.input.Text("reg")
	}
	status, _ := r.self.Text("status")
	r.plate, r.status = canonical(reg), strings.ToUpper(strings.TrimSpace(status))
	r.batchID, _ = r.self.Text("batchId")
	if r.plate == "" || r.status == "" {
		return record{}, false
	}
	if out := r.self.Get("output"); len(out) > 0 && !wirejson.IsNull(out) {
		if d.output, err = wirejson.MembersInto(d.output, out); err != nil {
			return record{}, false
		}
		r.output = d.output
	}
	return r, true
}

// names returns those by which webhooks may call the record.
func (r record) names() []string {
	var names []string
	for _, key := range []string{"_id", "requestId"} {
		if id := name(r.self, key); id != "" {
			names = append(names, id)
		}
	}
	return names
}

// final reports whether nothing more will come for this record, and known
// whether its status is one that the document names.
func (r record) final() (final, known bool) {
	switch r.status {
	case "INITIATED":
		return false, true
	case "COMPLETED", "ERRORED":
		return true, true
	default:
		return false, false
	}
}

// outcome returns what a final record means, without a Ref.
func (r record) outcome() providers.Outcome {
	if r.status == "ERRORED" {
		return r.failed(providers.ProviderError, "ERRORED", "")
	}
	if r.output == nil {
		return r.failed(providers.ProviderError, "no_output", "")
	}
	status, _ := r.output.Text("status")
	valid := string(r.output.Get("valid"))
	switch {
	case valid == "true" || valid == `"true"`:
		return providers.Outcome{Record: &providers.Record{Result: r.result(), Raw: r.raw}}
	case status == "NOT_FOUND":
		return r.failed(providers.NotFound, status, "")
	case isWord(status):
		return r.failed(providers.ProviderError, status, status)
	default:
		return r.failed(providers.ProviderError, "other_status", status)
	}
}

// failed keeps the record with the error, as it was paid for.
func (r record) failed(class providers.Class, code, message string) providers.Outcome {
	e := &providers.Error{Provider: Name, Op: opItems, Class: class, Code: code, Message: message, Head: providers.Head(r.raw)}
	if class == providers.ProviderError {
		e.Err = errors.New("the record ended without an answer")
	}
	return providers.Outcome{Err: e}
}

// result holds the documented fields of the output of a record that was
// found. A contact that came as a number is written as text.
func (r record) result() json.RawMessage {
	field := func(name string) json.RawMessage {
		raw := r.output.Get(name)
		if len(raw) == 0 {
			return json.RawMessage("null")
		}
		if n := raw[0]; n == '-' || n >= '0' && n <= '9' {
			return json.RawMessage(`"` + string(raw) + `"`)
		}
		return raw
	}
	var b bytes.Buffer
	b.WriteString(`{"valid":true,"status":`)
	b.Write(field("status"))
	b.WriteString(`,"contact":`)
	b.Write(field("contact"))
	b.WriteByte('}')
	return b.Bytes()
}

// isWord reports whether s reads like a status of Attestr's. Only such a text
// becomes a code: a digit in it could be part of a plate or a number.
func isWord(s string) bool {
	letter := func(r rune) bool { return r >= 'A' && r <= 'Z' || r == '_' }
	return s != "" && len(s) <= 40 && strings.TrimFunc(s, letter) == ""
}
