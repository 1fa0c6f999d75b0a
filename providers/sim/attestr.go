package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	attestrName    = "attestr"
	endpointSubmit = "submit"
	endpointItems  = "items"
	attestrType    = "RC_MOBILE"
)

// attestr plays Attestr. What it keeps is guarded by the server's lock.
type attestr struct {
	*Server
	batches map[string]*batch
	order   []*batch // as submitted
}

func newAttestr(s *Server) *attestr {
	a := &attestr{Server: s, batches: map[string]*batch{}}
	if s != nil {
		s.attestr = a
	}
	return a
}

func (*attestr) name() string { return attestrName }

func (*attestr) endpoints() []string { return []string{endpointSubmit, endpointItems} }

func (s *attestr) caller(c *call) *account { return s.accountOf(attestrName, secretOf(c.r, "Basic")) }

func (*attestr) coded(code string) (reply, bool) {
	n, err := strconv.Atoi(code)
	return refuse(n, ""), err == nil && attestrMessage(n) != ""
}

// attestrCode tells whether Attestr documents the code.
func attestrCode(code string) bool {
	_, ok := (*attestr)(nil).coded(code)
	return ok
}

func (*attestr) refuse(why refusal, details string) reply {
	codes := map[refusal]int{
		noClient: 4016, disabled: 4031, withheld: 4035, ipRefused: 4039, noCredit: 4005, malformed: 4001, broken: 5001,
		accountRate: 4291, endpointRate: 4292, accountDaily: 4293, endpointDaily: 4294,
	}
	return refuse(codes[why], details)
}

// terms are what a batch was accepted on. They are journaled with it, so that a restart under other options changes
// neither its answers nor its times.
type terms struct {
	Number     string     `json:"number"`
	Webhook    bool       `json:"webhook,omitempty"`
	Seed       uint64     `json:"seed"`
	Answers    Answers    `json:"answers"`
	Completion Completion `json:"completion"`
}

func (s *attestr) replay(c Charge, state json.RawMessage) error {
	var t terms
	if err := json.Unmarshal(state, &t); err != nil {
		return err
	}
	s.add(newBatch(c.Call, c.Account, c.Time, c.Plates, t))
	return nil
}

func (s *attestr) add(b *batch) {
	s.batches[b.id] = b
	s.order = append(s.order, b)
	s.counts.records += len(b.plates)
}

type submitRequest struct {
	Type    string       `json:"type"`
	Items   []submitItem `json:"items"`
	Webhook bool         `json:"webhook"`
}

type submitItem struct {
	Reg string `json:"reg"`
}

type submitAnswer struct {
	ID     string `json:"_id"`
	Number string `json:"number"`
}

type itemsRequest struct {
	Skip  int  `json:"$skip"`
	Limit *int `json:"$limit"`
}

type itemsAnswer struct {
	RecordsFiltered int      `json:"recordsFiltered"`
	Data            []record `json:"data"`
}

type record struct {
	ID        string     `json:"_id"`
	RequestID string     `json:"requestId"`
	BatchID   string     `json:"batchId"`
	Number    string     `json:"number"`
	Status    string     `json:"status"`
	Input     submitItem `json:"input"`
	Output    *output    `json:"output"`
}

type output struct {
	Valid   bool    `json:"valid"`
	Status  string  `json:"status"`
	Contact *string `json:"contact"`
}

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Details string `json:"details,omitempty"`
}

func (s *attestr) routes(mux *http.ServeMux) {
	const base = "POST /attestr/api/v2/public/batchx"
	mux.HandleFunc(base, s.postSubmit)
	mux.HandleFunc(base+"/{$}", s.postSubmit)
	mux.HandleFunc(base+"/{id}/items", s.postItems)
	mux.HandleFunc(base+"/{id}/items/{$}", s.postItems)
}

func (s *attestr) postSubmit(w http.ResponseWriter, r *http.Request) {
	c, err := s.begin(s, r, endpointSubmit)
	defer s.end()
	var req submitRequest
	if err == nil {
		err = decode(r, c.body, &req)
	}
	c.plates = make([]string, len(req.Items))
	for i, item := range req.Items {
		c.plates[i] = item.Reg
	}
	if err == nil {
		err = req.check()
	}
	s.answer(w, c, func(a *account) reply { return s.submit(c, a, req.Webhook, err) })
}

func (r submitRequest) check() error {
	switch {
	case r.Type != attestrType:
		return fmt.Errorf("type must be %s", attestrType)
	case len(r.Items) == 0:
		return errors.New("items must not be empty")
	}
	if i := slices.IndexFunc(r.Items, func(item submitItem) bool { return item.Reg == "" }); i >= 0 {
		return fmt.Errorf("items[%d].reg is required", i)
	}
	return nil
}

// submit accepts and charges a batch. It runs with the lock held, so that of two submits only one gets the last credit.
func (s *attestr) submit(c *call, a *account, webhook bool, bad error) reply {
	switch {
	case bad != nil:
		return refuse(4001, bad.Error())
	case a.BatchMax > 0 && len(c.plates) > a.BatchMax:
		return refuse(4001, fmt.Sprintf("items must not be more than %d", a.BatchMax))
	case a.Credit != Unlimited && a.Credit < len(c.plates):
		return refuse(4005, "")
	}
	seq := len(s.order) + 1
	id := fmt.Sprintf("%016x%08x", draw(s.opts.Seed, "id", a.Name, fmt.Sprint(seq)), seq)
	b := newBatch(id, a.Name, s.now(), c.plates, terms{
		Number:     fmt.Sprintf("BX%08d", seq),
		Webhook:    webhook,
		Seed:       s.opts.Seed,
		Answers:    s.opts.Answers,
		Completion: s.opts.Completion,
	})
	charge := Charge{Time: b.at, Call: b.id, Plates: b.plates, Charged: len(b.plates), Outcome: c.outcome()}
	if err := s.charge(a, charge, b.terms); err != nil {
		return refuse(5001, "")
	}
	s.add(b)
	s.sender.plan(b, time.Time{})
	if _, ok := c.fault(KindSameID); ok {
		b = s.order[0]
	}
	return reply{status: http.StatusOK, value: submitAnswer{ID: b.id, Number: b.Number}}
}

func (s *attestr) postItems(w http.ResponseWriter, r *http.Request) {
	c, err := s.begin(s, r, endpointItems)
	defer s.end()
	var req itemsRequest
	if err == nil {
		err = decode(r, c.body, &req)
	}
	if err == nil && (req.Skip < 0 || req.Limit != nil && *req.Limit < 0) {
		err = errors.New("$skip and $limit must not be negative")
	}
	b := s.polled(r.PathValue("id"))
	if b != nil {
		c.plates = b.plates
	}
	s.answer(w, c, func(a *account) reply { return s.items(c, a, b, req, err) })
}

// polled finds a batch and counts a poll of it.
func (s *attestr) polled(id string) *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.batches[id]
	if b != nil {
		s.counts.polls[id]++
	}
	return b
}

func (s *attestr) items(c *call, a *account, b *batch, req itemsRequest, bad error) reply {
	switch {
	case bad != nil:
		return refuse(4001, bad.Error())
	case b == nil:
		return refuse(4001, "no such batch")
	case b.account != a.Name:
		return refuse(4031, "")
	}
	limit := a.pageMax()
	if req.Limit != nil && *req.Limit > 0 {
		limit = min(limit, *req.Limit)
	}
	now := s.now()
	b.reads++
	rows := b.order(c, now)
	rows = rows[min(req.Skip, len(rows)):]
	rows = rows[:min(limit, len(rows))]
	if _, ok := c.fault(KindShort); ok {
		rows = rows[:(len(rows)+1)/2]
	}
	data := make([]record, 0, len(rows))
	for _, i := range rows {
		data = append(data, b.record(i, b.state(c, i, now)))
	}
	if f, ok := c.fault(KindForeign); ok {
		data = slices.Insert(data, len(data)/2, s.foreign(b, f.n(1))...)
	}
	s.counts.regressions += c.regressions
	return reply{status: http.StatusOK, value: itemsAnswer{RecordsFiltered: len(data), Data: data}}
}

// record writes record i of the batch as the provider does.
func (b *batch) record(i int, a Answer) record {
	r := record{
		ID:        b.recordID(i),
		RequestID: fmt.Sprintf("rq%016x", drawAt(b.draw, i)),
		BatchID:   b.id,
		Number:    fmt.Sprintf("%s-%d", b.Number, i+1),
		Status:    a.Record,
		Input:     submitItem{Reg: b.plates[i]},
	}
	if a.Record == RecordCompleted {
		r.Output = &output{Valid: a.Valid, Status: a.Status}
		if a.Contact != "" {
			r.Output.Contact = &a.Contact
		}
	}
	return r
}

// foreign returns n final records that are not of b: of the latest other batch, else of one that nobody submitted.
func (s *attestr) foreign(b *batch, n int) []record {
	from := newBatch(fmt.Sprintf("%024x", b.draw), "", b.at, []string{"ZZ99ZZ9999"}, b.terms)
	for _, other := range slices.Backward(s.order) {
		if other != b {
			from = other
			break
		}
	}
	rows := make([]record, 0, n)
	for i := range min(n, len(from.plates)) {
		rows = append(rows, from.record(i, from.Answers.For(from.plates[i], from.Seed)))
	}
	return rows
}

// decode reads a JSON object as the provider does: the content type must say so and nothing may follow.
func decode(r *http.Request, body []byte, v any) error {
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != "application/json" {
		return errors.New("Content-Type must be application/json")
	}
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return errors.New("body must be a JSON object")
	}
	return json.Unmarshal(body, v)
}

// refuse is the provider's own refusal. Its HTTP status is in the code: 4005 is 400, 4291 is 429.
func refuse(code int, details string) reply {
	return reply{status: code / 10, code: strconv.Itoa(code), value: failure{Code: code, Message: attestrMessage(code), Details: details}}
}

// attestrMessage is the documented text of a code, empty for a code that is not documented.
func attestrMessage(code int) string {
	switch code {
	case 4001:
		return "Malformed data or missing required parameter values"
	case 4005:
		return "Operation could not be performed due to low credits balance"
	case 4016:
		return "Invalid client authorization"
	case 4031:
		return "Unauthorized access"
	case 4035:
		return "Requested service is not provisioned for your account"
	case 4039:
		return "Client's IP address is not whitelisted"
	case 4291:
		return "Maximum account rate limit exceeded"
	case 4292:
		return "Maximum API rate limit exceeded"
	case 4293:
		return "Maximum account daily limit exceeded"
	case 4294:
		return "Maximum API daily limit exceeded"
	case 5001:
		return "Request could not be processed"
	}
	return ""
}
