package spectrumdata

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// validator begins the names of the sources that know of ownership.
const validator = "check_person/z3m_vehicle_validator"

// States of a source.
const (
	stateOK       = "OK"
	stateError    = "ERROR"
	stateProgress = "PROGRESS"
	stateSkip     = "SKIP"
)

// report is a report as it stands.
type report struct {
	uid     string // empty where it was not given
	waiting bool   // sources are counted that are not finished
	sources []source
	content bool   // there is one, empty or not
	owned   string // ownedStatus; empty: the block is absent
	fields  wirejson.Object
	raw     json.RawMessage
}

type source struct{ id, state string }

// decodeReports reads the reports of an answer. False: it is not such an
// answer, or one of them is not in the documented form.
func decodeReports(a *providers.Answer) ([]report, bool) {
	l, ok := decodeList(a)
	if !ok {
		return nil, false
	}
	reports := make([]report, 0, len(l.data))
	for _, raw := range l.data {
		r, ok := decodeReport(raw)
		if !ok {
			return nil, false
		}
		reports = append(reports, r)
	}
	return reports, true
}

func decodeReport(raw json.RawMessage) (report, bool) {
	o, err := wirejson.Members(raw)
	if err != nil {
		return report{}, false
	}
	r := report{fields: o, raw: raw, content: present(o.Get("content"))}
	r.uid, _ = o.Text("uid")
	if present(o.Get("progress_wait")) {
		n, _ := o.Text("progress_wait")
		r.waiting = n != "0"
	}
	var ok bool
	if r.sources, ok = decodeSources(o); !ok {
		return report{}, false
	}
	r.owned, ok = decodeOwned(o)
	return r, ok
}

// decodeSources reads the states of the sources, none where they are not
// listed.
func decodeSources(o wirejson.Object) ([]source, bool) {
	state, ok := inner(o, "state")
	if !ok {
		return nil, false
	}
	value := state.Get("sources")
	if !present(value) {
		return nil, true
	}
	listed, ok := wirejson.Elements(value)
	if !ok {
		return nil, false
	}
	sources := make([]source, 0, len(listed))
	for _, raw := range listed {
		o, err := wirejson.Members(raw)
		if err != nil {
			return nil, false
		}
		var s source
		s.id, _ = o.Text("_id")
		s.state, _ = o.Text("state")
		s.state = strings.ToUpper(strings.TrimSpace(s.state))
		sources = append(sources, s)
	}
	return sources, true
}

// decodeOwned reads content.check_person.vehicle_validator.ownedStatus, a text
// alone: no number means a status. What the sources do not know is absent from
// a report, with all that holds it.
func decodeOwned(o wirejson.Object) (string, bool) {
	for _, key := range []string{"content", "check_person", "vehicle_validator"} {
		var ok bool
		if o, ok = inner(o, key); !ok {
			return "", false
		}
	}
	raw := o.Get("ownedStatus")
	if !present(raw) {
		return "", true
	}
	owned, ok := wirejson.Text(raw)
	owned = strings.TrimSpace(owned)
	return owned, ok && raw[0] == '"' && owned != ""
}

// finished reports whether nothing more will come of the report, and known
// whether the states of its sources are those that there are.
func (r report) finished() (finished, known bool) {
	finished, known = len(r.sources) > 0 && !r.waiting, true
	for _, s := range r.sources {
		switch s.state {
		case stateOK, stateError, stateSkip:
		case stateProgress:
			finished = false
		default:
			finished, known = false, false
		}
	}
	return finished, known
}

// outcome returns what a finished report means, without a Ref.
func (r report) outcome() providers.Outcome {
	switch s := r.deciding(); {
	case r.owned != "":
		return providers.Outcome{Record: &providers.Record{Result: r.result(), Raw: r.raw}}
	case s.state != stateOK:
		return r.failed(providers.ProviderError, "source_"+s.state, s.id+": "+s.state)
	case !r.content:
		return r.failed(providers.ProviderError, "no_content", "")
	default:
		return r.failed(providers.NotFound, "", "")
	}
}

// deciding returns the source that decides what it means that there is no
// status: the first in error of those that know of ownership, or of all where
// none of these is there, else one that is OK, else the first.
func (r report) deciding() source {
	ours := slices.DeleteFunc(slices.Clone(r.sources), func(s source) bool { return !strings.HasPrefix(s.id, validator) })
	if len(ours) == 0 {
		ours = r.sources
	}
	for _, state := range []string{stateError, stateOK} {
		if i := slices.IndexFunc(ours, func(s source) bool { return s.state == state }); i >= 0 {
			return ours[i]
		}
	}
	return ours[0]
}

// failed keeps the report with the error.
func (r report) failed(class providers.Class, code, message string) providers.Outcome {
	e := &providers.Error{Provider: Name, Op: opReport, Class: class, Code: code, Message: message, Head: providers.Head(r.raw)}
	if class == providers.ProviderError {
		e.Err = errors.New("the report ended without an answer")
	}
	return providers.Outcome{Err: e}
}

// result holds the status, and of when it is: a report that was asked for
// again may be months old.
func (r report) result() json.RawMessage {
	var b bytes.Buffer
	text := func(name, v string, there bool) {
		quoted, err := json.Marshal(v)
		if err != nil || !there {
			quoted = []byte("null")
		}
		b.WriteString(`"` + name + `":`)
		b.Write(quoted)
	}
	b.WriteByte('{')
	text("ownedStatus", r.owned, true)
	for _, name := range []string{"created_at", "updated_at"} {
		v, there := r.fields.Text(name)
		b.WriteByte(',')
		text(name, v, there)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// isStatus reports whether the document names the status.
func isStatus(s string) bool {
	return slices.Contains([]string{"OWN", "OWNED_BEFORE", "NOT_OWN", "UNKNOWN"}, s)
}
