package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

const (
	aopayName     = "aopay"
	endpointFetch = "fetch"
)

// The codes of AOPay. All but the first two stand for those that it does not document.
const (
	aopayFound     = 1
	aopaySignature = 10
	aopayNoBill    = 2
	aopayInvalid   = 8
	aopayUnable    = 9
	aopayDown      = 13
	aopayNoFunds   = 16
)

// AOPayNoBill is what the stand-in of AOPay says where a plate has no bill.
const AOPayNoBill = "No bill found for the given number"

// aopay plays AOPay's FetchConsumerDetails. What it keeps is guarded by the server's lock.
type aopay struct {
	*Server
	fetched int
}

func newAOPay(s *Server) *aopay { return &aopay{Server: s} }

func (*aopay) name() string { return aopayName }

func (*aopay) endpoints() []string { return []string{endpointFetch} }

func (s *aopay) routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /aopay/api/AOP/FetchConsumerDetails", s.postFetch)
}

// aopayQuestion is the body of a request, which shows the credentials too.
type aopayQuestion struct {
	Operator       int    `json:"operator"`
	CANumber       string `json:"canumber"`
	RegistrationID string `json:"RegistrationID"`
}

func (s *aopay) caller(c *call) *account {
	var q aopayQuestion
	if decode(c.r, c.body, &q) != nil {
		return nil
	}
	return s.accountOf(aopayName, q.RegistrationID)
}

// aopayFailure is an answer without a bill.
type aopayFailure struct {
	Status  bool   `json:"status"`
	Code    int    `json:"response_code"`
	Message string `json:"message"`
}

func (*aopay) coded(code string) (reply, bool) {
	n, err := strconv.Atoi(code)
	message := aopayMessage(n)
	rep := reply{status: http.StatusOK, code: code, value: aopayFailure{Code: n, Message: message}}
	if n == aopaySignature {
		rep.status = http.StatusUnauthorized
	}
	return rep, err == nil && message != ""
}

func (s *aopay) refusal(code int) reply {
	rep, _ := s.coded(strconv.Itoa(code))
	return rep
}

// refuse: the document knows no limits, so that what stands before the service speaks of them.
func (s *aopay) refuse(why refusal, _ string) reply {
	switch why {
	case noClient, disabled, withheld, ipRefused:
		return s.refusal(aopaySignature)
	case noCredit:
		return s.refusal(aopayNoFunds)
	case malformed:
		return s.refusal(aopayInvalid)
	case broken:
		return htmlPage(http.StatusInternalServerError)
	default:
		return htmlPage(http.StatusTooManyRequests)
	}
}

// replay takes in a fetch.
func (s *aopay) replay(Charge, json.RawMessage) error {
	s.fetched++
	return nil
}

func (s *aopay) postFetch(w http.ResponseWriter, r *http.Request) {
	c, err := s.begin(s, r, endpointFetch)
	defer s.end()
	var q aopayQuestion
	if err == nil {
		err = decode(r, c.body, &q)
	}
	c.plates = []string{q.CANumber}
	s.answer(w, c, func(a *account) reply {
		if err != nil || q.Operator <= 0 || q.CANumber == "" {
			return s.refuse(malformed, "")
		}
		return s.fetch(c, a, q)
	})
}

// fetch answers and charges every call that was looked up, with a bill or without. It runs with the lock held.
func (s *aopay) fetch(c *call, a *account, q aopayQuestion) reply {
	if a.Credit == 0 {
		return s.refuse(noCredit, "")
	}
	charge := Charge{Time: s.now(), Call: fmt.Sprintf("ao%08d", s.fetched+1), Plates: c.plates, Charged: 1, Outcome: c.outcome()}
	if err := s.charge(a, charge, nil); err != nil {
		return s.refuse(broken, "")
	}
	s.fetched++
	got := s.AOPayAnswer(q.Operator, q.CANumber)
	if got.Bill == nil {
		return s.refusal(got.Code)
	}
	return reply{status: http.StatusOK, code: strconv.Itoa(got.Code), value: got.Bill}
}

// AOPayAnswer is what the stand-in of AOPay answers about a plate: a code and, where it is 1, a bill.
type AOPayAnswer struct {
	Code int
	Bill *AOPayBill
}

// AOPayBill is a bill as AOPay writes it. Everything in it is made up.
type AOPayBill struct {
	Code    int         `json:"response_code"`
	Status  bool        `json:"status"`
	Amount  string      `json:"amount"`
	Name    string      `json:"name"`
	DueDate string      `json:"duedate"`
	Fetch   *AOPayFetch `json:"bill_fetch"`
	Message string      `json:"message"`
}

// AOPayFetch is the part of a bill that is called bill_fetch.
type AOPayFetch struct {
	Amount     string `json:"billAmount"`
	Net        string `json:"billnetamount"`
	DueDate    string `json:"dueDate"`
	Max        string `json:"maxBillAmount"`
	Accepts    bool   `json:"acceptPayment"`
	AcceptsAny bool   `json:"acceptPartPay"`
	Cell       string `json:"cellNumber"` // the plate, for all its name
	User       string `json:"userName"`
}

// AOPayAnswer is a pure function of operator, plate, seed and mix: a bill where [Answers] has Found, one without
// bill_fetch where it has NoContact, and codes that are not documented where it has NotFound, Blocked and Errored.
func (s *Server) AOPayAnswer(operator int, plate string) AOPayAnswer {
	seed := draw(s.opts.Seed, aopayName, strconv.Itoa(operator))
	switch a := s.opts.Answers.For(plate, seed); {
	case a.Status == StatusNotFound:
		return AOPayAnswer{Code: aopayNoBill}
	case a.Status == StatusBlocked:
		return AOPayAnswer{Code: aopayDown}
	case a.Record == RecordErrored:
		return AOPayAnswer{Code: aopayUnable}
	default:
		return AOPayAnswer{Code: aopayFound, Bill: newAOPayBill(seed, plate, a.Contact != "")}
	}
}

func newAOPayBill(seed uint64, plate string, whole bool) *AOPayBill {
	h := draw(seed, "bill", plate)
	pick := func(what string, from ...string) string { return from[draw(h, what)%uint64(len(from))] }
	amount := fmt.Sprintf("%d.%s", 100*(1+h%40), pick("paise", "0", "00", "50"))
	due := fmt.Sprintf("2026-%02d-%02d", 1+draw(h, "month")%12, 1+draw(h, "day")%28)
	name := pick("first", "ASHA", "VIKRAM", "MEENA", "ARJUN") + "  " + pick("last", "EXAMPLE", "SAMPLE", "NOBODY")
	b := &AOPayBill{Code: aopayFound, Status: true, Amount: amount, Name: name, DueDate: due, Message: "Bill Fetched Success."}
	if whole {
		b.Fetch = &AOPayFetch{Amount: amount, Net: amount, DueDate: due, Max: "10000", Accepts: true, AcceptsAny: h%2 == 0, Cell: plate, User: name}
	}
	return b
}

func aopayMessage(code int) string {
	return map[int]string{
		aopaySignature: "Signature verification failed",
		aopayNoBill:    AOPayNoBill,
		aopayInvalid:   "Operator or canumber is blank",
		aopayUnable:    "Unable to process the request",
		aopayDown:      "Operator is Down",
		aopayNoFunds:   "Insufficient fund",
	}[code]
}
