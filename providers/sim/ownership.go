package sim

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// making is the body of a request to make a report.
type making struct {
	QueryType string            `json:"queryType"`
	Query     string            `json:"query"`
	Data      map[string]string `json:"data"`
	Options   struct {
		Force bool `json:"FORCE"`
	} `json:"options"`
}

func (m making) vehicle() string { return vehicleOf(m.Data) }

func vehicleOf(data map[string]string) string {
	for _, key := range []string{"grz", "vin", "body"} {
		if data[key] != "" {
			return data[key]
		}
	}
	return ""
}

// owners are the ways to name a person or company, the first of which is used where there are several. A patronymic
// may be missing.
var owners = [][]string{
	{"fio_birth_hash"}, {"passport_hash"}, {"last_name", "first_name", "birth", "patronymic"}, {"passport"}, {"inn"},
}

// check returns what a report of that type can be about, and whether it can.
func (m making) check(kind string) (data map[string]string, ok bool) {
	if m.QueryType != "MULTIPART" || m.Query != " " {
		return nil, false
	}
	data = map[string]string{}
	for _, keys := range owners {
		if m.Data[keys[0]] == "" {
			continue
		}
		for i, key := range keys {
			if m.Data[key] == "" && i < 3 {
				return nil, false
			}
			data[key] = m.Data[key]
		}
		break
	}
	grz, vehicle := m.Data["grz"], m.vehicle()
	switch {
	case len(data) == 0, vehicle == "", kind == SpectrumGRZ && !isGRZ(grz), kind == SpectrumVIN && grz != "":
		return nil, false
	}
	for _, key := range []string{"grz", "vin", "body"} {
		if m.Data[key] == vehicle {
			data[key] = vehicle
			break
		}
	}
	maps.DeleteFunc(data, func(_, v string) bool { return v == "" })
	return data, true
}

// isGRZ tells whether a plate is written in the letters that Russian plates have.
func isGRZ(s string) bool {
	return s != "" && strings.Trim(s, "0123456789АВЕКМНОРСТУХ") == ""
}

// ownership is a report that was made. It is journaled as it is, so that a restart under other options changes neither
// its answer nor its times.
type ownership struct {
	Kind    string            `json:"kind"` // of report
	Data    map[string]string `json:"data"` // what it is about
	Created time.Time         `json:"created"`
	Updated time.Time         `json:"updated"`
	Round   int               `json:"round"` // how often it has been made
	Seq     int               `json:"seq"`   // it was the account's so many-th
	Seed    uint64            `json:"seed"`
	Answers Answers           `json:"answers"`
	// Takes is how long it took, or takes, to be finished.
	Takes time.Duration `json:"takes"`
}

func (o *ownership) vehicle() string { return vehicleOf(o.Data) }

// subject writes what the report is about as one text.
func subject(data map[string]string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(data)) {
		_, _ = fmt.Fprintf(&b, "%s=%s;", key, data[key])
	}
	return b.String()
}

// uid names a report, by what it is about: the same question is the same report.
func (o *ownership) uid(account string) string {
	name, domain, _ := strings.Cut(o.Kind, "@")
	h := draw(o.Seed, "report", account, o.Kind, subject(o.Data))
	return name + "_" + base64.URLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, h)) + "@" + domain
}

func (s *spectrumdata) keep(account string, o *ownership, charged int) {
	s.reports[o.uid(account)] = o
	s.charged[account] += charged
}

// madeAnswer is what a make or a refresh says of the report.
type madeAnswer struct {
	UID       string  `json:"uid"`
	New       bool    `json:"isnew"`
	RequestID string  `json:"process_request_uid,omitempty"`
	Suggest   instant `json:"suggest_get"`
}

// make makes a report, or gives back the one that there is: that costs nothing, unless a new one is forced.
func (s *spectrumdata) make(c *call, a *account, m making) reply {
	kind := c.r.PathValue("uid")
	if kind != SpectrumGRZ && kind != SpectrumVIN {
		return s.refuse(withheld, kind)
	}
	data, ok := m.check(kind)
	if !ok {
		return s.refuse(malformed, "")
	}
	o := &ownership{Kind: kind, Data: data, Created: s.now(), Seq: len(s.reports) + 1, Seed: s.opts.Seed, Answers: s.opts.Answers}
	known := s.reports[o.uid(a.Name)]
	if known != nil {
		o = known
		if !m.Options.Force {
			return s.listed(madeAnswer{UID: o.uid(a.Name), Suggest: instant(o.Updated)})
		}
	}
	return s.generate(c, a, o)
}

// refresh makes a report again, in its place.
func (s *spectrumdata) refresh(c *call, a *account, _ making) reply {
	uid := c.r.PathValue("uid")
	o := s.reports[uid]
	if o == nil || o.uid(a.Name) != uid {
		return eventReply(eventNoObject, s.now(), missingEntity("Report", uid))
	}
	return s.generate(c, a, o)
}

// generate charges and begins one more round of a report. It runs with the lock held, so that of two requests only one
// gets the last credit.
func (s *spectrumdata) generate(c *call, a *account, was *ownership) reply {
	if a.Credit == 0 {
		return s.refuse(noCredit, "")
	}
	o := *was
	o.Round++
	o.Updated = s.now()
	uid := o.uid(a.Name)
	o.Takes = s.opts.Completion.after(draw(o.Seed, "takes", uid, fmt.Sprint(o.Round)), 0, 1)
	id := fmt.Sprintf("%s-%d", uid, o.Round)
	if err := s.charge(a, Charge{Time: s.now(), Call: id, Plates: []string{o.vehicle()}, Charged: 1, Outcome: c.outcome()}, o); err != nil {
		return s.refuse(broken, "")
	}
	s.keep(a.Name, &o, 1)
	return s.listed(madeAnswer{UID: uid, New: true, RequestID: id, Suggest: instant(s.now().Add(time.Second))})
}

// OwnerAnswer is what becomes of a report once it is finished.
type OwnerAnswer struct {
	Source string // state of its source: OK, ERROR or SKIP
	Owned  string // ownedStatus; empty: nothing is known
}

// OwnerAnswer is what the stand-in of SpectrumData answers about data, in its own names and one set of each, when the
// report is made for the round-th time, from 1. It is a pure function of these, the seed and the mix of [Answers]:
// Found is OWN, NOT_OWN or OWNED_BEFORE, NoContact is UNKNOWN, NotFound nothing, Blocked a source that was skipped and
// Errored one that failed.
func (s *Server) OwnerAnswer(data map[string]string, round int) OwnerAnswer {
	return ownerAnswer(data, round, s.opts.Seed, s.opts.Answers)
}

func ownerAnswer(data map[string]string, round int, seed uint64, mix Answers) OwnerAnswer {
	of := subject(data)
	if round > 1 {
		of += fmt.Sprint(round)
	}
	switch a := mix.For(of, seed); {
	case a.Record == RecordErrored:
		return OwnerAnswer{Source: "ERROR"}
	case a.Status == StatusBlocked:
		return OwnerAnswer{Source: "SKIP"}
	case a.Status == StatusNotFound:
		return OwnerAnswer{Source: "OK"}
	case a.Contact == "":
		return OwnerAnswer{Source: "OK", Owned: "UNKNOWN"}
	default:
		owned := []string{"OWN", "OWN", "OWN", "NOT_OWN", "OWNED_BEFORE"}
		return OwnerAnswer{Source: "OK", Owned: owned[draw(seed, "owned", of)%uint64(len(owned))]}
	}
}

// ownershipAnswer is a report as it is shown.
type ownershipAnswer struct {
	UID     string         `json:"uid"`
	Type    string         `json:"report_type_uid"`
	Created instant        `json:"created_at"`
	Updated instant        `json:"updated_at"`
	OK      int            `json:"progress_ok"`
	Wait    int            `json:"progress_wait"`
	Error   int            `json:"progress_error"`
	State   sourceStates   `json:"state"`
	Content map[string]any `json:"content,omitzero"`
}

type sourceStates struct {
	Sources []sourceState  `json:"sources"`
	Data    map[string]any `json:"data"`
}

type sourceState struct {
	ID    string         `json:"_id"`
	State string         `json:"state"`
	Data  map[string]any `json:"data"`
}

// report shows a report as it stands. One that is not there is no error.
func (s *spectrumdata) report(c *call, a *account, _ making) reply {
	uid := c.r.PathValue("uid")
	o := s.reports[uid]
	if o == nil || o.uid(a.Name) != uid || o.struck(c, KindMissing) {
		return s.listed()
	}
	return s.listed(o.shown(c, uid, s.now()))
}

// struck tells whether a fault of a per-record kind is about the report.
func (o *ownership) struck(c *call, k Kind) bool {
	f, ok := c.fault(k)
	return ok && f.about(o.vehicle()) && f.chosen(drawAt(draw(o.Seed, "fault", f.Name), o.Seq), o.Seq)
}

func (o *ownership) shown(c *call, uid string, now time.Time) ownershipAnswer {
	source := "check_person/z3m_vehicle_validator"
	if o.Kind == SpectrumGRZ {
		source += "_by_grz"
	}
	shown := ownershipAnswer{UID: uid, Type: o.Kind, Created: instant(o.Created), Updated: instant(o.Updated)}
	at := OwnerAnswer{Source: "PROGRESS"}
	if !now.Before(o.Updated.Add(o.Takes)) && !o.struck(c, KindNever) {
		at = ownerAnswer(o.Data, o.Round, o.Seed, o.Answers)
	}
	switch at.Source {
	case "OK":
		shown.OK = 1
	case "ERROR":
		shown.Error = 1
	case "PROGRESS":
		shown.Wait = 1
	}
	shown.State = sourceStates{Sources: []sourceState{{ID: source, State: at.Source, Data: map[string]any{}}}, Data: map[string]any{}}
	if c.r.URL.Query().Get("_content") != "false" {
		shown.Content = map[string]any{}
		if at.Owned != "" {
			shown.Content["check_person"] = map[string]any{"vehicle_validator": map[string]any{"ownedStatus": at.Owned}}
		}
	}
	return shown
}
