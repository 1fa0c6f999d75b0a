package resser

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// question is the body of a request.
type question struct {
	Vehicles []vehicle `json:"vehicles"`
}

// vehicle is what is asked about: VIN and plate together, in canonical form.
type vehicle struct {
	VIN   string `json:"vin"`
	Plate string `json:"plate"`
}

// Lengths that no VIN and no plate exceeds at Resser.
const (
	maxVIN   = 17
	maxPlate = 15
)

// check says why the vehicle cannot be asked about, without a word of it.
func (v vehicle) check() error {
	for _, part := range []struct {
		name, text string
		max        int
	}{{"vin", v.VIN, maxVIN}, {"plate", v.Plate, maxPlate}} {
		switch {
		case part.text == "":
			return invalid("no_"+part.name, "the request has no "+part.name)
		case strings.ContainsFunc(part.text, special):
			return invalid(part.name+"_characters", "the "+part.name+" has characters beyond A-Z and 0-9")
		case len(part.text) > part.max:
			return invalid(part.name+"_length", "the "+part.name+" is longer than Resser takes")
		}
	}
	return nil
}

func invalid(code, why string) error {
	return &providers.Error{Provider: Name, Op: opScraping, Class: providers.InvalidInput, Code: code, Err: errors.New(why)}
}

// canonical is the form in which VINs and plates are sent and compared: upper
// case, without separators.
func canonical(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, s)
}

// special reports whether r is a special character, in a canonical text.
func special(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }

// answer is what was processed, by vehicle.
type answer struct {
	processed map[vehicle]*processed
	// unreadable: there are vehicles in it of which nobody can tell which
	// they are.
	unreadable bool
}

// decode reads an answer. False: it is none. Vehicles that it lists twice are
// taken together.
func decode(a *providers.Answer) (answer, bool) {
	o, err := wirejson.Parse(a.Body)
	if err != nil || a.Status/100 != 2 {
		return answer{}, false
	}
	listed, ok := wirejson.Elements(o.Get("vehicleData"))
	if !ok || listed == nil {
		return answer{}, false
	}
	got := answer{processed: make(map[vehicle]*processed, len(listed))}
	for _, raw := range listed {
		p, ok := decodeVehicle(wirejson.Without(raw, isCredential))
		if !ok {
			got.unreadable = true
			continue
		}
		if had := got.processed[p.vehicle]; had != nil {
			had.add(p)
			continue
		}
		got.processed[p.vehicle] = p
	}
	return got, true
}

// isCredential reports whether a member holds a portal's credentials, however
// its name is written.
func isCredential(key string) bool {
	switch strings.ToLower(canonical(key)) {
	case "username", "password":
		return true
	}
	return false
}

// safeHead returns the head of an answer that could not be read, or nothing
// where portal credentials may be in it.
func safeHead(head []byte) []byte {
	text := strings.ToLower(canonical(string(head)))
	if strings.Contains(text, "username") || strings.Contains(text, "password") {
		return nil
	}
	return head
}

// outcome returns what the answer says of a vehicle, without a Ref.
func (a answer) outcome(v vehicle) providers.Outcome {
	switch p := a.processed[v]; {
	case p == nil && a.unreadable:
		return failed(providers.ProviderError, "unreadable_vehicle", "", nil, "the answer holds vehicles that cannot be told apart")
	case p == nil:
		return neverProcessed(nil)
	default:
		return p.outcome()
	}
}

// neverProcessed is the outcome for a vehicle of which there is nothing. raw
// is what the answer holds of it all the same, or nil.
func neverProcessed(raw json.RawMessage) providers.Outcome {
	const words = "never processed at Resser, or VIN and plate do not belong together: this does not mean that there are no fines"
	if raw == nil {
		raw = json.RawMessage(`{"not_processed":"` + words + `"}`)
	}
	return failed(providers.NotFound, "not_processed", words, raw, "")
}

func failed(class providers.Class, code, message string, raw json.RawMessage, why string) providers.Outcome {
	e := &providers.Error{Provider: Name, Op: opScraping, Class: class, Code: code, Message: message, Head: providers.Head(raw)}
	if why != "" {
		e.Err = errors.New(why)
	}
	return providers.Outcome{Err: e}
}
