package resser

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// entryFields are the fields of an entry, as the document names and orders
// them.
var entryFields = []string{"_id", "plate", "vin", "resourceId", "status", "result", "creationDateTime", "finishedDateTime"}

// resultFields are the fields of a result, as a Spec names them.
func resultFields() []string {
	names := []string{"vin", "plate"}
	for _, f := range entryFields {
		names = append(names, "info."+f)
	}
	return names
}

// processed is what was processed of one vehicle.
type processed struct {
	vehicle
	vin, plate json.RawMessage // as they came
	entries    []entry
	readable   bool // info is a list
	raw        json.RawMessage
}

// decodeVehicle reads a vehicle of an answer. False: it does not say which.
func decodeVehicle(raw json.RawMessage) (*processed, bool) {
	o, err := wirejson.Members(raw)
	if err != nil {
		return nil, false
	}
	vin, _ := o.Text("vin")
	plate, _ := o.Text("plate")
	p := &processed{vehicle: vehicle{VIN: canonical(vin), Plate: canonical(plate)}, vin: o.Get("vin"), plate: o.Get("plate"), raw: raw}
	if p.VIN == "" || p.Plate == "" {
		return nil, false
	}
	listed, ok := wirejson.Elements(o.Get("info"))
	p.readable = ok && listed != nil
	for _, e := range listed {
		p.entries = append(p.entries, decodeEntry(e, p.vehicle))
	}
	return p, true
}

// add takes in what a second mention of the vehicle says.
func (p *processed) add(more *processed) {
	p.entries = append(p.entries, more.entries...)
	p.readable = p.readable && more.readable
	p.raw = bytes.Join([][]byte{[]byte("["), p.raw, []byte(","), more.raw, []byte("]")}, nil)
}

// outcome returns what was processed, without a Ref.
func (p *processed) outcome() providers.Outcome {
	var without []string
	for _, e := range p.entries {
		if !e.answered() {
			without = append(without, e.resource())
		}
	}
	switch {
	case len(p.entries) > len(without):
		return providers.Outcome{Record: &providers.Record{Result: p.result(), Raw: p.raw}}
	case len(p.entries) > 0:
		return failed(providers.ProviderError, "no_status", "processed with errors in each resource: "+strings.Join(without, ", "),
			p.raw, "every resource was processed with errors")
	case !p.readable:
		return failed(providers.ProviderError, "no_info", "", p.raw, "the answer names the vehicle and says nothing of it")
	default:
		return neverProcessed(p.raw)
	}
}

// result holds the documented fields in the document's order. A field that an
// entry does not have is null, and so is a status or an end that says nothing:
// that it is missing has a meaning.
func (p *processed) result() json.RawMessage {
	var b bytes.Buffer
	b.WriteString(`{"vin":`)
	b.Write(p.vin)
	b.WriteString(`,"plate":`)
	b.Write(p.plate)
	b.WriteString(`,"info":[`)
	for i, e := range p.entries {
		if i > 0 {
			b.WriteByte(',')
		}
		e.write(&b)
	}
	b.WriteString("]}")
	return b.Bytes()
}

// entry is what was processed of a vehicle at one resource.
type entry struct{ wirejson.Object }

// decodeEntry reads an entry about v. One that cannot be read, or that is
// about another vehicle, has no fields: there is no status to be believed.
// VIN and plate are put where they belong: the document describes each as the
// other.
func decodeEntry(raw json.RawMessage, v vehicle) entry {
	o, err := wirejson.Members(raw)
	if err != nil {
		return entry{}
	}
	vin, _ := o.Text("vin")
	plate, _ := o.Text("plate")
	vin, plate = canonical(vin), canonical(plate)
	if strayed(vin, v.VIN) || strayed(plate, v.Plate) {
		if strayed(vin, v.Plate) || strayed(plate, v.VIN) {
			return entry{}
		}
		o.Swap("vin", "plate")
	}
	return entry{o}
}

// strayed reports whether a part of an entry says something else than it
// should. An entry need not repeat what its vehicle says.
func strayed(got, want string) bool { return got != "" && got != want }

// answered reports whether the entry has a status.
func (e entry) answered() bool { return says(e.Get("status")) }

// says reports whether there is anything in a value, of whatever type: the
// document does not say what a Status or a Date looks like.
func says(value json.RawMessage) bool {
	switch text := string(value); text {
	case "", "null", "{}", "[]":
		return false
	default:
		return text[0] != '"' || strings.Trim(text, `" `) != ""
	}
}

// resource names the resource for people: its number, where it has one.
func (e entry) resource() string {
	id, ok := e.Text("resourceId")
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	if !ok || id == "" || len(id) > 9 || strings.TrimFunc(id, digit) != "" {
		return "?"
	}
	return id
}

func (e entry) write(b *bytes.Buffer) {
	for i, name := range entryFields {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(`"` + name + `":`)
		value := e.Get(name)
		if len(value) == 0 || (name == "status" || name == "finishedDateTime") && !says(value) {
			value = json.RawMessage("null")
		}
		b.Write(value)
	}
	b.WriteByte('}')
}
