package regnum

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// statusDone is the status of a request that was processed.
const statusDone = "200"

// The members of an answer, as the document names them.
const (
	memberStatus = "status"
	memberText   = "statusText"
	memberFree   = "countFREERequests"
	memberData   = "data"
	memberCars   = "datacar"
	memberEmpty  = "empty" // of data, in XML alone
)

var header = []string{memberStatus, memberText, memberFree, memberData}

// answer is what the service said, in JSON or in XML.
type answer struct {
	status string
	text   string
	free   int64 // free requests that are left
	counts bool  // free was given
	cars   []wirejson.Object
	raw    json.RawMessage
}

// decode reads an answer in either form, whichever was asked for. False: it is
// none, or it says two things at once.
func decode(body []byte) (answer, bool) {
	o, err := members(body)
	if err != nil || !isAnswer(o) {
		return answer{}, false
	}
	var got answer
	got.status, _ = word(o, memberStatus)
	got.text, _ = o.Text(memberText)
	if free, ok := word(o, memberFree); ok {
		n, err := strconv.ParseInt(free, 10, 64)
		got.free, got.counts = n, err == nil
	}
	cars, ok := readData(o.Get(memberData))
	switch {
	case len(cars) > 0 && got.status != statusDone:
		return answer{}, false // refused and decoded?
	case got.status == statusDone && (!ok || len(cars) == 0 && !isHeader(o)):
		return answer{}, false // what is there could be a car
	}
	got.cars = cars
	return got, true
}

// members returns the members of a body. What begins as XML does is read as
// XML and, from here on, like JSON.
func members(body []byte) (wirejson.Object, error) {
	plain := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if len(plain) == 0 || plain[0] != '<' {
		return wirejson.Parse(body)
	}
	plain, err := jsonOf(plain)
	if err != nil {
		return nil, err
	}
	return wirejson.Parse(plain)
}

// isAnswer reports whether o is the documented header: a status and, with it,
// another of the documented members. Many a gateway has a status of its own
// beside members that are none of the service's.
func isAnswer(o wirejson.Object) bool {
	status, ok := word(o, memberStatus)
	if !ok || !isStatus(status) {
		return false
	}
	return len(o) == 1 || slices.ContainsFunc(header[1:], o.Has)
}

// isHeader reports whether o has no members but the documented ones.
func isHeader(o wirejson.Object) bool {
	for key := range o.All() {
		if !slices.Contains(header, key) {
			return false
		}
	}
	return true
}

// isStatus reports whether s can be a status: a number, of the form of a code.
func isStatus(s string) bool {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	return s != "" && len(s) <= 6 && s[0] != '0' && strings.TrimFunc(s, digit) == ""
}

// word returns a text without the blanks around it.
func word(o wirejson.Object, key string) (string, bool) { return trimmed(o.Get(key)) }

// trimmed is word for a value.
func trimmed(value json.RawMessage) (string, bool) {
	s, ok := wirejson.Text(value)
	return strings.TrimSpace(s), ok
}

// readData returns the cars of a data member: nothing, an object, or a list of
// such. False: it holds something else, which could be a car that was paid for.
func readData(data json.RawMessage) ([]wirejson.Object, bool) {
	list, ok := listed(data)
	var all []wirejson.Object
	for _, raw := range list {
		cars, readable := readDatum(raw)
		all, ok = append(all, cars...), ok && readable
	}
	return all, ok
}

func readDatum(data json.RawMessage) ([]wirejson.Object, bool) {
	o, err := wirejson.Members(data)
	if err != nil {
		return nil, false
	}
	if !o.Has(memberCars) {
		return nil, len(o) == 0 || o.Has(memberEmpty) && len(o) == 1
	}
	cars, ok := readCars(o.Get(memberCars))
	return cars, ok && (len(cars) == 0 || !isTrue(o.Get(memberEmpty)))
}

// readCars leaves out cars of which nothing is said.
func readCars(value json.RawMessage) ([]wirejson.Object, bool) {
	list, ok := listed(value)
	var cars []wirejson.Object
	for _, raw := range list {
		car, err := wirejson.Members(raw)
		ok = ok && err == nil && isCar(car)
		if !isBlank(car) {
			cars = append(cars, car)
		}
	}
	return cars, ok
}

// listed returns what a value lists: its elements, nothing for null or where
// it is missing, or the one object that it is itself. False: it is none of it.
func listed(value json.RawMessage) ([]json.RawMessage, bool) {
	switch {
	case len(value) == 0:
		return nil, true
	case value[0] == '{':
		return []json.RawMessage{value}, true
	default:
		return wirejson.Elements(value)
	}
}

func isTrue(value json.RawMessage) bool {
	return string(value) == "true" || string(value) == `"true"`
}

// readings are the figures that an answer moves, by the document's names. Its
// calculated requests do not show in an answer: see Spec.CountsFirstFound.
func (a answer) readings() []providers.Reading {
	var all []providers.Reading
	if a.status == statusDone || a.status == "404" {
		all = append(all, providers.Reading{Name: "common", Value: 1})
	}
	if len(a.cars) > 0 {
		all = append(all, providers.Reading{Name: "decoded", Value: 1})
	}
	if a.counts {
		all = append(all, providers.Reading{Name: "free_requests_left", Value: a.free, Gauge: true})
	}
	return all
}
