package spectrumdata

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// making is the body of a make.
type making struct {
	QueryType string   `json:"queryType"`
	Query     string   `json:"query"`
	Data      subject  `json:"data"`
	Options   *options `json:"options,omitempty"`
}

// subject holds one set of the owner's data and one of the vehicle's.
type subject struct {
	FIOBirthHash string `json:"fio_birth_hash,omitempty"`
	PassportHash string `json:"passport_hash,omitempty"`
	LastName     string `json:"last_name,omitempty"`
	FirstName    string `json:"first_name,omitempty"`
	Patronymic   string `json:"patronymic,omitempty"`
	Birth        string `json:"birth,omitempty"`
	Passport     string `json:"passport,omitempty"`
	INN          string `json:"inn,omitempty"`
	VIN          string `json:"vin,omitempty"`
	Body         string `json:"body,omitempty"`
	GRZ          string `json:"grz,omitempty"`
}

type options struct {
	Force bool `json:"FORCE,omitempty"`
}

func newMaking(q question) making {
	m := making{QueryType: "MULTIPART", Query: " ", Data: q.data}
	if q.force {
		m.Options = &options{Force: true}
	}
	return m
}

// list is what every call answers that is not refused.
type list struct {
	data  []json.RawMessage
	stamp time.Time // by SpectrumData's clock; zero where it is not there
}

// decodeList reads an answer that holds data. Such as the document shows it
// has nothing else; state, where it is there, must be "ok". An empty one says
// that there is nothing, so it must come in the documented form whole.
func decodeList(a *providers.Answer) (list, bool) {
	o, err := wirejson.Parse(a.Body)
	if err != nil || a.Status/100 != 2 || hasEvent(o) {
		return list{}, false
	}
	state, stated := o.Text("state")
	if stated != present(o.Get("state")) || stated && !strings.EqualFold(state, "ok") {
		return list{}, false
	}
	data, ok := wirejson.Elements(o.Get("data"))
	if !ok || data == nil {
		return list{}, false
	}
	if size, sized := o.Text("size"); len(data) == 0 && (!stated || !sized || size != "0") {
		return list{}, false
	}
	l := list{data: data}
	l.stamp = instant(o, "stamp")
	return l, true
}

// made is the answer to a make or a refresh.
type made struct {
	uid string
	// stamp is when SpectrumData answered, suggest when it says the report is
	// worth reading, both by its clock. Zero: it does not say.
	stamp, suggest time.Time
}

// decodeMade reads the answer to a make or a refresh. False: it is not one, or
// not that of a single report with a usable uid.
func decodeMade(a *providers.Answer) (made, bool) {
	l, ok := decodeList(a)
	if !ok || len(l.data) != 1 {
		return made{}, false
	}
	o, err := wirejson.Members(l.data[0])
	if err != nil {
		return made{}, false
	}
	uid, _ := o.Text("uid")
	return made{uid: uid, stamp: l.stamp, suggest: instant(o, "suggest_get")}, usableUID(uid)
}

// suggested is when the report is worth reading by our clock, zero where
// SpectrumData did not say.
func (m made) suggested(now time.Time) time.Time {
	if m.suggest.IsZero() || m.stamp.IsZero() {
		return m.suggest
	}
	return now.Add(m.suggest.Sub(m.stamp))
}

// present reports whether a value is there and not null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && !wirejson.IsNull(raw) }

// instant reads a time such as "2026-01-01T10:00:01.000Z"; zero for anything
// else.
func instant(o wirejson.Object, key string) time.Time {
	text, _ := o.Text(key)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// inner reads an object within an object. It is empty where there is none or
// null; false: something else is there, or it says a thing twice.
func inner(o wirejson.Object, key string) (wirejson.Object, bool) {
	value := o.Get(key)
	if !present(value) {
		return nil, true
	}
	in, err := wirejson.Members(value)
	return in, err == nil
}
