package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	resserName       = "resser"
	endpointScraping = "scraping"
	resserMax        = 500 // vehicles of a request
)

// ResserHeader is the header in which the stand-in of Resser wants the token. The document does not name one.
const ResserHeader = "X-Api-Key"

// The errors that Resser documents, and those of which it says only that there are such.
const (
	resserBadRequest    = "BadRequest"
	resserBadParameters = "BadParameters"
	resserUnauthorize   = "Unauthorize"
	resserServerError   = "ServerError"
)

// ResserStatusDone and ResserStatusRunning stand for the values of a Status, which are not documented.
const (
	ResserStatusDone    = "FINISHED"
	ResserStatusRunning = "PROCESSING"
)

// resser plays Resser Sync. It reads what was processed, charges nothing and keeps nothing.
type resser struct{ *Server }

func (resser) name() string { return resserName }

func (resser) endpoints() []string { return []string{endpointScraping} }

func (s resser) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /resser/api/batch/scraping/{$}", s.getScraping)
}

func (s resser) caller(c *call) *account {
	return s.accountOf(resserName, c.r.Header.Get(ResserHeader))
}

func (resser) replay(Charge, json.RawMessage) error {
	return errors.New("reading is free and leaves no charge")
}

// resserError is an error. What its members are called is not documented.
type resserError struct {
	Type        string `json:"errorType"`
	Detail      string `json:"errorDetail"`
	Description string `json:"description"`
}

func (resser) coded(code string) (reply, bool) {
	e, status := resserError{Type: "badRequest", Detail: code}, http.StatusBadRequest
	switch code {
	case resserBadRequest:
		e.Description = "You must specify at least one vehicle."
	case resserBadParameters:
		e.Description = "VIN and/or plate is not valid."
	case resserUnauthorize:
		e.Type, status = "unauthorize", http.StatusUnauthorized
		e.Description = "The requester is not allowed to use this request."
	case resserServerError:
		e.Type, status = "serverError", http.StatusInternalServerError
		e.Description = "Try again later or contact us."
	default:
		return reply{}, false
	}
	return reply{status: status, code: code, value: e}, true
}

// refuse: the document knows no limits in figures, so that what stands before the service speaks of them.
func (s resser) refuse(why refusal, details string) reply {
	code := map[refusal]string{
		noClient: resserUnauthorize, disabled: resserUnauthorize, withheld: resserUnauthorize, ipRefused: resserUnauthorize,
		malformed: resserBadRequest, broken: resserServerError,
	}[why]
	rep, ok := s.coded(code)
	if !ok {
		return htmlPage(http.StatusTooManyRequests)
	}
	if e, is := rep.value.(resserError); is && details != "" {
		e.Description = details
		rep.value = e
	}
	return rep
}

type resserQuestion struct {
	Vehicles []ResserVehicle `json:"vehicles"`
}

// ResserVehicle is a vehicle as Resser is asked about it.
type ResserVehicle struct {
	VIN   string `json:"vin"`
	Plate string `json:"plate"`
}

func (s resser) getScraping(w http.ResponseWriter, r *http.Request) {
	c, err := s.begin(s, r, endpointScraping)
	defer s.end()
	var q resserQuestion
	if err == nil && len(c.body) > 0 {
		err = decode(r, c.body, &q)
	}
	for _, v := range q.Vehicles {
		c.plates = append(c.plates, v.Plate)
	}
	s.answer(w, c, func(*account) reply { return s.scraping(q.Vehicles, err) })
}

func (s resser) scraping(vehicles []ResserVehicle, bad error) reply {
	switch {
	case bad != nil:
		return s.refuse(malformed, "Vehicle list was not provided or might be misspelled.")
	case len(vehicles) == 0:
		return s.refuse(malformed, "")
	case len(vehicles) > resserMax:
		return s.refuse(malformed, "The maximum number of vehicles is 500.")
	case slices.ContainsFunc(vehicles, ResserVehicle.invalid):
		rep, _ := s.coded(resserBadParameters)
		return rep
	}
	data := []resserVehicleData{}
	for _, v := range slices.Backward(vehicles) { // in no order that anyone should rely on
		if entries := s.ResserAnswer(v); len(entries) > 0 {
			data = append(data, resserVehicleData{v, entries})
		}
	}
	return reply{status: http.StatusOK, value: map[string]any{"vehicleData": data}}
}

// invalid tells that VIN or plate cannot be one: other characters, none at all, too many, or the same one throughout.
func (v ResserVehicle) invalid() bool {
	for _, part := range []struct {
		text string
		max  int
	}{{v.VIN, 17}, {v.Plate, 15}} {
		other := strings.Trim(part.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != ""
		if part.text == "" || other || len(part.text) > part.max || strings.Trim(part.text, part.text[:1]) == "" {
			return true
		}
	}
	return false
}

type resserVehicleData struct {
	ResserVehicle
	Info []ResserEntry `json:"info"`
}

// ResserEntry is what was processed of a vehicle at one resource. As in the document, plate and VIN stand in each
// other's place at every second one; the credentials of the portal come along, which the document does not say.
type ResserEntry struct {
	ID       string         `json:"_id"`
	Plate    string         `json:"plate"`
	VIN      string         `json:"vin"`
	Resource int            `json:"resourceId"`
	Status   string         `json:"status,omitempty"`
	Result   []ResserResult `json:"result"`
	Created  time.Time      `json:"creationDateTime"`
	Finished *time.Time     `json:"finishedDateTime,omitempty"`
	Username string         `json:"username"`
	Password string         `json:"password"`
}

// ResserResult is one thing that was read at a resource.
type ResserResult struct {
	Folio  string `json:"folio"`
	Amount string `json:"monto"`
	Date   string `json:"fecha"`
}

// ResserPassword is the password of every portal. It must not turn up anywhere.
const ResserPassword = "portal-password-of-the-stand-in"

// resserResources are numbers of resources, which stand for those of an account.
var resserResources = []int{1, 4, 7, 12, 13, 21}

// ResserAnswer is what was processed of a vehicle, a pure function of it, of seed and mix: nothing where [Answers] has
// NotFound, entries all without a status where it has Errored, some where it has Blocked, and one that is still being
// processed where it has NoContact.
func (s *Server) ResserAnswer(v ResserVehicle) []ResserEntry {
	seed := draw(s.opts.Seed, resserName, v.VIN, v.Plate)
	a := s.opts.Answers.For(v.VIN+v.Plate, s.opts.Seed)
	if a.Status == StatusNotFound {
		return nil
	}
	first := int(drawAt(seed, 0) % uint64(len(resserResources))) //nolint:gosec // small
	n := 2 + int(drawAt(seed, 1)%3)
	entries := make([]ResserEntry, n)
	for i := range entries {
		e := newResserEntry(v, resserResources[(first+i)%len(resserResources)], drawAt(seed, 2+i))
		last := i == n-1
		switch {
		case a.Record == RecordErrored, last && a.Status == StatusBlocked:
			e.Status, e.Result = "", []ResserResult{}
		case last && a.Status == StatusFound && a.Contact == "":
			e.Status, e.Result, e.Finished = ResserStatusRunning, []ResserResult{}, nil
		}
		entries[i] = e
	}
	return entries
}

func newResserEntry(v ResserVehicle, resource int, h uint64) ResserEntry {
	created := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(h%300) * 24 * time.Hour)
	finished := created.Add(time.Duration(30+h%90) * time.Second)
	e := ResserEntry{
		ID: fmt.Sprintf("%d-%s-%s", resource, v.VIN, v.Plate), Plate: v.Plate, VIN: v.VIN, Resource: resource,
		Status: ResserStatusDone, Result: []ResserResult{}, Created: created, Finished: &finished,
		Username: "fleet@example", Password: ResserPassword,
	}
	if resource%2 == 0 {
		e.Plate, e.VIN = e.VIN, e.Plate
	}
	for i := range int(h % 3) {
		e.Result = append(e.Result, ResserResult{
			Folio: fmt.Sprintf("F-%06d", drawAt(h, i)%1_000_000), Amount: fmt.Sprintf("%d.50", 100+drawAt(h, i)%4900),
			Date: created.AddDate(0, 0, -int(drawAt(h, i)%400)).Format(time.DateOnly),
		})
	}
	return e
}
