package attestr

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// opWebhook names the reading of webhooks in errors.
const opWebhook = "webhook"

// maxWebhook bounds a webhook, which is about one record.
const maxWebhook = 1 << 20

// The events of batches. Attestr has others, of other products.
const (
	eventCompleted = "async.completed"
	eventErrored   = "async.errored"
)

// ReadCallback reads a webhook. It must show one of the webhook tokens where
// there are any, and what it is signed with must be one of the client secrets.
// One without a signature is believed for its token alone if it says that a
// record ended in an error, which Attestr does not sign, or if no client
// secret is given. With neither token nor signature it is forged.
//
// What is signed is the value of output, over the bytes as they came, compacted,
// or, if it is a string, over what that says: Hint.Signed is "raw", "compact"
// or "string".
func (p *Provider) ReadCallback(h http.Header, body []byte) ([]providers.Hint, error) {
	if !p.proof.admits(h) {
		return nil, forged("token")
	}
	if len(body) > maxWebhook {
		return nil, unreadable(errors.New("it is larger than any webhook"))
	}
	e, err := decodeEvent(body)
	if err != nil {
		return nil, unreadable(err)
	}
	form, ok := p.proof.vouches(e)
	if !ok {
		return nil, forged("signature")
	}
	if !e.ours() {
		return nil, nil
	}
	hints, err := e.hints(form)
	if err != nil {
		return nil, unreadable(err)
	}
	return hints, nil
}

func forged(code string) error {
	return &providers.Error{Provider: Name, Op: opWebhook, Class: providers.Unauthorised, Code: code,
		Err: errors.New("nothing proves that the webhook is genuine")}
}

func unreadable(cause error) error {
	return &providers.Error{Provider: Name, Op: opWebhook, Class: providers.InvalidInput, Code: "unreadable", Err: cause}
}

// event is a webhook as it came.
type event struct {
	name    string
	payload wirejson.Object
}

// decodeEvent reads the envelope {"event", "payload"}, or a payload alone, as
// the product's own document shows it.
func decodeEvent(body []byte) (event, error) {
	o, err := wirejson.Parse(body)
	if err != nil {
		return event{}, err
	}
	var e event
	e.name, _ = o.Text("event")
	payload := o.Get("payload")
	switch {
	case payload == nil && e.name == "" && len(o) > 0:
		e.payload, e.name = o, eventCompleted
		if status, _ := o.Text("status"); status == "ERRORED" {
			e.name = eventErrored
		}
	case e.name == "":
		return event{}, errors.New("it names no event")
	case e.ours() || len(payload) > 0 && payload[0] == '{':
		e.payload, err = wirejson.Members(payload)
	}
	return e, err
}

func (e event) ours() bool { return e.name == eventCompleted || e.name == eventErrored }

// signature returns what the event is signed with. False: it is signed, and
// not with a text. Empty: it is not signed.
func (e event) signature() (string, bool) {
	raw := e.payload.Get("signature")
	if len(raw) == 0 || wirejson.IsNull(raw) {
		return "", true
	}
	s, _ := wirejson.Text(raw)
	return s, raw[0] == '"' && s != ""
}

// forms returns what of output may be signed, by the word for it.
func (e event) forms() map[string][]byte {
	raw := e.payload.Get("output")
	if len(raw) == 0 {
		return nil
	}
	all := map[string][]byte{formRaw: raw}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) == nil {
		all[formCompact] = compact.Bytes()
	}
	if raw[0] == '"' {
		s, _ := wirejson.Text(raw)
		all[formString] = []byte(s)
	}
	return all
}

// hints returns what the event may be about, the surest first. output is the
// record as a poll would list it, or only that record's own output.
func (e event) hints(form string) ([]providers.Hint, error) {
	record, input, err := e.record()
	if err != nil {
		return nil, err
	}
	first := providers.Hint{Ticket: name(record, "batchId"), Record: name(record, "_id")}
	reg, _ := input.Text("reg")
	if plate := canonical(reg); plate != "" {
		first.Subject = providers.Subject{providers.Plate: plate}
	}
	id := name(e.payload, "_id") // of the record or of the batch: the document leaves it open
	var hints []providers.Hint
	for _, h := range []providers.Hint{
		first, {Record: name(record, "requestId")}, {Record: name(e.payload, "requestId")}, {Record: id}, {Ticket: id},
	} {
		said := func(other providers.Hint) bool {
			return h.Ticket == other.Ticket && h.Record == other.Record
		}
		if h.Ticket == "" && h.Record == "" && h.Subject == nil || slices.ContainsFunc(hints, said) {
			continue
		}
		h.Signed = form
		hints = append(hints, h)
	}
	if len(hints) == 0 {
		return nil, errors.New("it does not say what it is about")
	}
	return hints, nil
}

// record returns the record that output holds, and its input; both are nil
// where output holds none.
func (e event) record() (record, input wirejson.Object, err error) {
	raw := []byte(e.payload.Get("output"))
	if len(raw) > 0 && raw[0] == '"' {
		s, _ := wirejson.Text(raw)
		record, err = wirejson.Parse([]byte(s))
	} else if len(raw) > 0 && !wirejson.IsNull(raw) {
		record, err = wirejson.Members(raw)
	}
	if err != nil {
		return nil, nil, err
	}
	if in := record.Get("input"); len(in) > 0 && !wirejson.IsNull(in) {
		input, err = wirejson.Members(in)
	}
	return record, input, err
}

// name returns an id that may name something; empty: there is none.
func name(o wirejson.Object, key string) string {
	if s, _ := o.Text(key); usableID(s) {
		return s
	}
	return ""
}
