package sim

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	regnumName     = "regnum"
	endpointLookup = "lookup"
	// servicePrefix begins the name of every service that there is.
	servicePrefix = "getktypefornumplate"
)

// RegnumService is one of the services that the stand-in of REGNUM has; what is behind its first part is any country.
const RegnumService = servicePrefix + "norway"

// The statuses that REGNUM documents.
const (
	regnumDone        = 200
	regnumNoClient    = 401
	regnumNoBalance   = 402
	regnumTemporary   = 403
	regnumNotDecoded  = 404
	regnumMaintenance = 503
)

// regnum plays Bovsoft's REGNUM service. What it keeps is guarded by the server's lock.
type regnum struct {
	*Server
	decoded map[decoding]bool
}

// decoding is a plate that was decoded for an account: it has been charged.
type decoding struct{ account, service, plate string }

func newRegnum(s *Server) *regnum { return &regnum{Server: s, decoded: map[decoding]bool{}} }

func (*regnum) name() string { return regnumName }

func (*regnum) endpoints() []string { return []string{endpointLookup} }

func (s *regnum) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /regnum/bovsoft.regnum.run", s.getLookup)
}

// caller knows the client by both of its credentials, which are in the query.
func (s *regnum) caller(c *call) *account {
	q := c.r.URL.Query()
	return s.accountWhere(regnumName, func(a *account) bool {
		return a.Token != "" && a.Login == q.Get("id") && a.Token == q.Get("seccode")
	})
}

func (*regnum) coded(code string) (reply, bool) {
	status, err := strconv.Atoi(code)
	text := regnumText(status)
	return regnumReply(regnumAnswer{Status: status, StatusText: text}), err == nil && text != ""
}

// refuse: the document knows no limits of a pace, so that what stands before the service speaks of them.
func (*regnum) refuse(why refusal, _ string) reply {
	statuses := map[refusal]int{
		noClient: regnumNoClient, ipRefused: regnumNoClient, disabled: regnumTemporary, withheld: regnumMaintenance,
		noCredit: regnumNoBalance, malformed: regnumNotDecoded,
	}
	status, documented := statuses[why]
	switch {
	case documented:
		return regnumReply(regnumAnswer{Status: status, StatusText: regnumText(status)})
	case why == broken:
		return htmlPage(http.StatusInternalServerError)
	default:
		return htmlPage(http.StatusTooManyRequests)
	}
}

// replay takes in a plate that was decoded for the first time.
func (s *regnum) replay(c Charge, state json.RawMessage) error {
	var d regnumState
	if err := json.Unmarshal(state, &d); err != nil {
		return err
	}
	if len(c.Plates) != 1 {
		return fmt.Errorf("charge of %d plates, want one", len(c.Plates))
	}
	s.decode(s.accountNamed(regnumName, c.Account), decoding{c.Account, d.Service, c.Plates[0]}, d.Free)
	return nil
}

// regnumState is what the journal holds of a plate that was decoded.
type regnumState struct {
	Service string `json:"service"`
	Free    bool   `json:"free,omitempty"` // it was one of the account's free requests
}

func (s *regnum) decode(a *account, d decoding, free bool) {
	s.decoded[d] = true
	if free && a != nil {
		a.Free = max(0, a.Free-1)
	}
}

func (s *regnum) getLookup(w http.ResponseWriter, r *http.Request) {
	c, _ := s.begin(s, r, endpointLookup) // a GET whose body nobody reads
	defer s.end()
	q := r.URL.Query()
	c.plates = []string{q.Get("regnum")}
	s.answer(w, c, func(a *account) reply { return s.lookup(c, a, q.Get("nameservice")) })
}

// lookup answers, and charges a plate that is decoded for the first time for this account: a free request while there
// are some, else the account's credit. It runs with the lock held.
func (s *regnum) lookup(c *call, a *account, service string) reply {
	if a.Credit == 0 && a.Free == 0 {
		return s.refuse(noCredit, "")
	}
	plate := c.plates[0]
	got := s.RegnumAnswer(service, plate)
	if d := (decoding{a.Name, service, plate}); len(got.Cars) > 0 && !s.decoded[d] {
		free := a.Free > 0
		charge := Charge{Time: s.now(), Call: fmt.Sprintf("rg%08d", len(s.decoded)+1), Plates: c.plates, Outcome: c.outcome()}
		if !free {
			charge.Charged = 1
		}
		if err := s.charge(a, charge, regnumState{Service: service, Free: free}); err != nil {
			return s.refuse(broken, "")
		}
		s.decode(a, d, free)
	}
	return regnumReply(regnumAnswer{
		Data: regnumData{Cars: got.Cars, Empty: len(got.Cars) == 0}, Status: got.Status, StatusText: regnumText(got.Status), Free: a.Free,
	})
}

// RegnumAnswer is what the stand-in of REGNUM answers about a plate: a status, and the cars where it is decoded.
type RegnumAnswer struct {
	Status int
	Cars   []Car
}

// RegnumAnswer is a pure function of service, plate, seed and mix: a car where [Answers] has Found or Errored, two where
// it has Blocked, none with the status 200 where it has NoContact and with 404 where it has NotFound. A service that does
// not exist decodes nothing, nor does an empty plate.
func (s *Server) RegnumAnswer(service, plate string) RegnumAnswer {
	country, exists := strings.CutPrefix(service, servicePrefix)
	if !exists || country == "" || plate == "" {
		return RegnumAnswer{Status: regnumNotDecoded}
	}
	seed := draw(s.opts.Seed, service)
	switch a := s.opts.Answers.For(plate, seed); {
	case a.Status == StatusNotFound:
		return RegnumAnswer{Status: regnumNotDecoded}
	case a.Status == StatusFound && a.Contact == "":
		return RegnumAnswer{Status: regnumDone}
	case a.Status == StatusBlocked:
		return RegnumAnswer{Status: regnumDone, Cars: []Car{newCar(seed, plate, 0), newCar(seed, plate, 1)}}
	default:
		return RegnumAnswer{Status: regnumDone, Cars: []Car{newCar(seed, plate, 0)}}
	}
}

func regnumText(status int) string {
	return map[int]string{
		regnumDone:        "OK",
		regnumNoClient:    "Client not found",
		regnumNoBalance:   "Request was not processed, zero balance",
		regnumTemporary:   "Client has a temporary status, wait for confirmation",
		regnumNotDecoded:  "Regnum was not decoded",
		regnumMaintenance: "Service is not active",
	}[status]
}

// regnumAnswer is the envelope, in JSON and in XML.
type regnumAnswer struct {
	XMLName    xml.Name   `json:"-" xml:"getktype"`
	Data       regnumData `json:"data" xml:"-"`
	Status     int        `json:"status" xml:"status"`
	StatusText string     `json:"statusText" xml:"statusText"`
	Free       int        `json:"countFREERequests" xml:"countFREERequests"`
	// Last is Data where XML has it.
	Last regnumData `json:"-" xml:"data"`
}

type regnumData struct {
	Cars  []Car `json:"datacar" xml:"datacar"`
	Empty bool  `json:"-" xml:"empty"`
}

func regnumReply(a regnumAnswer) reply {
	if a.Data.Cars == nil {
		a.Data = regnumData{Cars: []Car{}, Empty: true}
	}
	a.Last = a.Data
	return reply{status: http.StatusOK, code: strconv.Itoa(a.Status), value: a}
}

// encode writes the envelope in the form that the call asks for, JSON unless it is XML.
func (*regnum) encode(c *call, value any) (body []byte, contentType string, ok bool) {
	if c.r.URL.Query().Get("contenttype") != "XML" {
		return nil, "", false
	}
	text, err := xml.MarshalIndent(value, "", "    ")
	return append([]byte(xml.Header), text...), "text/xml; charset=utf-8", err == nil
}
