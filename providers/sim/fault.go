package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what a fault does. Beside the named kinds every documented error code of Attestr is one ("4291": it refuses
// with it; for the codes of the others there is KindRefuse), and so are the HTTP statuses "500" to "504" (a page that is not the provider's own) and "307", "308" (a
// redirect to the same path).
//
// Most kinds that replace the answer do so before the request is looked at: nothing is charged, unless Fault.Charge is
// set. The charge_then kinds always charge first.
type Kind string

// Kinds that replace the answer.
const (
	KindRefuse          Kind = "refuse"            // the provider's own refusal Code, in its envelope
	KindHTML            Kind = "html"              // a web page with Status, 200 when zero
	KindHang            Kind = "hang"              // nothing for For, then the answer; zero: until the client leaves
	KindClose           Kind = "close"             // the connection closes without a byte
	KindChargeThenClose Kind = "charge_then_close" // close, charged
	KindChargeThenCut   Kind = "charge_then_cut"   // cut, under the name that says what it costs
	KindChargeThenHang  Kind = "charge_then_hang"  // hang, charged
	KindChargeOn429     Kind = "charge_on_429"     // code Code, 4291 when empty, charged
)

// Kinds that spoil the true answer on its way. A submit is charged.
const (
	KindLatency    Kind = "latency"     // For and up to Jitter pass before the request is looked at
	KindDrip       Kind = "drip"        // one byte of the body every For
	KindCut        Kind = "cut"         // the body ends after N bytes, half when zero; Content-Length is true with Exact
	KindCType      Kind = "ctype"       // Content-Type is Type, text/plain when empty
	KindMalformed  Kind = "malformed"   // JSON that does not parse
	KindGzipLie    Kind = "gzip_lie"    // Content-Encoding says gzip, the body is plain
	KindBOM        Kind = "bom"         // a byte order mark before the body
	KindHuge       Kind = "huge"        // N MiB of blanks before the body, 100 when zero
	KindRetryAfter Kind = "retry_after" // a 429, the provider's own too, carries Retry-After: RetryAfter
	KindSameID     Kind = "same_id"     // a submit is answered with the id of the first batch
)

// Kinds that spoil pages. Regress, missing and never strike records: their Rate, Every and First choose among the
// records of a batch, the same at each read.
const (
	KindReorder Kind = "reorder" // another order at each read, until the last record is final; Forever: always
	KindShift   Kind = "shift"   // N rows, 20 when zero, move from the front to the back at each read; likewise
	KindShort   Kind = "short"   // half of the rows that were asked for
	KindForeign Kind = "foreign" // N rows, 1 when zero, of another batch among the rows
	KindRegress Kind = "regress" // a record that was shown final is INITIATED at every third read
	KindMissing Kind = "missing" // the record is not listed
	KindNever   Kind = "never"   // the record stays INITIATED
)

// Fault is one way to misbehave. A fault strikes a request when Where, Prefix and Pattern match and Rate, Every or
// First, at most one of which may be set, choose it; with none of the three it strikes each. In JSON the durations are
// text such as "1.5s".
type Fault struct {
	Name    string `json:"name"` // empty: the kind, and where; a fault of the same name is replaced
	Kind    Kind   `json:"kind"`
	Where   string `json:"where,omitempty"`   // an endpoint ("submit", "items", …) or a provider; "any" or empty: everywhere
	Prefix  string `json:"prefix,omitempty"`  // of a plate of the request, of the record
	Pattern string `json:"pattern,omitempty"` // regular expression, likewise

	Rate  float64 `json:"rate,omitempty"`  // share of what matches, by a seeded draw
	Every int     `json:"every,omitempty"` // each such one of what matches
	First int     `json:"first,omitempty"` // so many of what matches

	For        time.Duration `json:"for,omitempty"`
	Jitter     time.Duration `json:"jitter,omitempty"`
	N          int           `json:"n,omitempty"`
	Status     int           `json:"status,omitempty"`      // html, and the codes: the HTTP status instead of their own
	Code       string        `json:"code,omitempty"`        // of the provider: refuse, charge_on_429
	RetryAfter int           `json:"retry_after,omitempty"` // seconds
	Type       string        `json:"type,omitempty"`
	Exact      bool          `json:"exact,omitempty"`
	Empty      bool          `json:"empty,omitempty"` // "500" to "504": no body instead of a web page
	Forever    bool          `json:"forever,omitempty"`
	Charge     bool          `json:"charge,omitempty"` // the request is served and charged before its answer is replaced
}

// plainFault is Fault without its methods; faultJSON puts text in place of its durations.
type plainFault Fault

type faultJSON struct {
	*plainFault
	For    duration `json:"for,omitempty"`
	Jitter duration `json:"jitter,omitempty"`
}

// MarshalJSON writes the durations as text.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{(*plainFault)(&f), duration(f.For), duration(f.Jitter)})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses a field that it does not know.
func (f *Fault) UnmarshalJSON(data []byte) error {
	v := faultJSON{(*plainFault)(f), duration(f.For), duration(f.Jitter)}
	if err := strict(data, &v); err != nil {
		return err
	}
	f.For, f.Jitter = time.Duration(v.For), time.Duration(v.Jitter)
	return nil
}

// ParseFault reads a fault from a flag: the kind, then fields by their JSON names, as in
// "charge_then_close,where=submit,rate=0.1". A value that is no number and no boolean is text.
func ParseFault(s string) (Fault, error) {
	kind, rest, _ := strings.Cut(s, ",")
	fields := map[string]any{"kind": kind}
	for field := range strings.SplitSeq(rest, ",") {
		if field == "" {
			continue
		}
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return Fault{}, fmt.Errorf("parse fault %q: want key=value, not %q", s, field)
		}
		fields[key] = flagValue(key, value)
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return Fault{}, fmt.Errorf("parse fault %q: %w", s, err)
	}
	var f Fault
	if err = strict(data, &f); err == nil {
		_, err = arm(f)
	}
	if err != nil {
		return Fault{}, fmt.Errorf("parse fault %q: %w", s, err)
	}
	return f, nil
}

func flagValue(key, value string) any {
	if key == "prefix" || key == "pattern" || key == "name" || key == "code" || key == "kind" {
		return value
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(value); err == nil {
		return b
	}
	return value
}

// armed is a fault that is set.
type armed struct {
	Fault
	pattern *regexp.Regexp
	seen    int // requests that matched
	waits   int // latencies drawn
}

func arm(f Fault) (*armed, error) {
	if f.Name == "" {
		f.Name = strings.TrimSuffix(string(f.Kind)+"/"+f.Where, "/")
	}
	a := &armed{Fault: f}
	var set int
	for _, on := range []bool{f.Rate != 0, f.Every != 0, f.First != 0} {
		if on {
			set++
		}
	}
	switch {
	case !f.Kind.known():
		return nil, fmt.Errorf("check fault %s: unknown kind %q", f.Name, f.Kind)
	case !slices.Contains(places(), f.Where):
		return nil, fmt.Errorf("check fault %s: where %q is no endpoint and no provider: there is %s",
			f.Name, f.Where, strings.Join(places()[1:], ", "))
	case set > 1:
		return nil, fmt.Errorf("check fault %s: more than one of rate, every and first", f.Name)
	case f.Rate < 0 || f.Rate > 1 || f.Every < 0 || f.First < 0:
		return nil, fmt.Errorf("check fault %s: rate must be in 0..1, every and first not negative", f.Name)
	case f.For < 0 || f.Jitter < 0 || f.N < 0 || f.RetryAfter < 0:
		return nil, fmt.Errorf("check fault %s: negative parameter", f.Name)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return nil, fmt.Errorf("check fault %s: status %d is none of an answer", f.Name, f.Status)
	}
	if code := f.refusal(); code != "" || f.Kind == KindRefuse {
		if err := checkCode(code, f.Where); err != nil {
			return nil, fmt.Errorf("check fault %s: %w", f.Name, err)
		}
	}
	if f.Pattern != "" {
		var err error
		if a.pattern, err = regexp.Compile(f.Pattern); err != nil {
			return nil, fmt.Errorf("check fault %s: %w", f.Name, err)
		}
	}
	return a, nil
}

func (k Kind) known() bool {
	switch k {
	case KindRefuse, KindHTML, KindHang, KindClose, KindChargeThenClose, KindChargeThenCut, KindChargeThenHang, KindChargeOn429,
		KindLatency, KindDrip, KindCut, KindCType, KindMalformed, KindGzipLie, KindBOM, KindHuge, KindRetryAfter,
		KindSameID, KindReorder, KindShift, KindShort, KindForeign, KindRegress, KindMissing, KindNever:
		return true
	}
	return k.status() != 0 || attestrCode(string(k))
}

// status is the HTTP status that the kind is, else 0.
func (k Kind) status() int {
	switch n, _ := strconv.Atoi(string(k)); n {
	case 307, 308, 500, 501, 502, 503, 504:
		return n
	}
	return 0
}

// refusal is the code with which the provider refuses, empty where the fault does something else.
func (f Fault) refusal() string {
	switch {
	case f.Kind == KindRefuse:
		return f.Code
	case f.Kind == KindChargeOn429:
		return cmp.Or(f.Code, "4291")
	case attestrCode(string(f.Kind)):
		return string(f.Kind)
	}
	return ""
}

// perRecord tells that the kind chooses among records, not among requests.
func (k Kind) perRecord() bool { return k == KindRegress || k == KindMissing || k == KindNever }

func (f Fault) n(otherwise int) int { return cmp.Or(f.N, otherwise) }

// matches tells whether the fault is about the request at all.
func (a *armed) matches(c *call) bool {
	if a.Where != "" && a.Where != "any" && a.Where != c.endpoint && a.Where != c.up.name() {
		return false
	}
	if code := a.refusal(); code != "" {
		if _, ok := c.up.coded(code); !ok {
			return false
		}
	}
	return a.Prefix == "" && a.pattern == nil || slices.ContainsFunc(c.plates, a.about)
}

func (a *armed) about(plate string) bool {
	return strings.HasPrefix(plate, a.Prefix) && (a.pattern == nil || a.pattern.MatchString(plate))
}

// strikes counts a request that matches and tells whether it is one of the chosen.
func (a *armed) strikes(seed uint64) bool {
	if a.Kind.perRecord() {
		return true
	}
	a.seen++
	return a.chosen(drawAt(draw(seed, "fault", a.Name), a.seen), a.seen)
}

// hits tells whether a fault of a per-record kind is about record i of the batch.
func (a *armed) hits(b *batch, i int) bool {
	return a.about(b.plates[i]) && a.chosen(drawAt(draw(b.draw, "fault", a.Name), i), i+1)
}

// chosen applies Rate, Every and First to the nth, counted from 1.
func (f Fault) chosen(h uint64, nth int) bool {
	switch {
	case f.Rate > 0:
		return unit(h) < f.Rate
	case f.Every > 0:
		return nth%f.Every == 0
	case f.First > 0:
		return nth <= f.First
	}
	return true
}

// SetFault sets f from now on, in place of the one of the same name.
func (s *Server) SetFault(f Fault) error {
	a, err := arm(f)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.faults, func(b *armed) bool { return b.Name == a.Name }); i >= 0 {
		s.faults[i] = a
		return nil
	}
	s.faults = append(s.faults, a)
	return nil
}

// Faults returns the faults that are set.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, len(s.faults))
	for i, a := range s.faults {
		out[i] = a.Fault
	}
	return out
}

// ClearFaults takes away the faults of these names; without a name, all.
func (s *Server) ClearFaults(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(a *armed) bool {
		return len(names) == 0 || slices.Contains(names, a.Name)
	})
}
