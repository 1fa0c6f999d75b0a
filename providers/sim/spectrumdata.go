package sim

import (
	"crypto/md5" //nolint:gosec // as the API has it
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	spectrumdataName = "spectrumdata"
	endpointMake     = "make"
	endpointReport   = "report"
	endpointRefresh  = "refresh"
	endpointBalance  = "balance"
	endpointUser     = "user"
)

// The report types of the stand-in of SpectrumData: of plates, and of VINs and body numbers.
const (
	SpectrumGRZ = "A.0076.CAR.ACT-ALL_grz@example"
	SpectrumVIN = "A.0076.CAR.ACT-ALL_vin@example"
)

// The types of events that the stand-in of SpectrumData knows. Those of a quota and of refused data are not documented.
const (
	eventTimeoutedStamp = "SecurityAuthTimeoutedStamp"
	eventMalformedToken = "SecurityAuthMalformedToken"
	eventAccessDenied   = "SecurityAccessDenied"
	eventNoObject       = "DataSeekObjectError"
	eventSystemError    = "GenericSystemError"
	eventQuota          = "DataQuoteError"
	eventInvalid        = "DataValidationError"
	eventNotReadable    = "http_400"
)

// spectrumdata plays SpectrumData's B2B API. What it keeps is guarded by the server's lock.
type spectrumdata struct {
	*Server
	reports map[string]*ownership // by uid
	charged map[string]int        // by account
}

func newSpectrumdata(s *Server) *spectrumdata {
	return &spectrumdata{Server: s, reports: map[string]*ownership{}, charged: map[string]int{}}
}

func (*spectrumdata) name() string { return spectrumdataName }

func (*spectrumdata) endpoints() []string {
	return []string{endpointMake, endpointReport, endpointRefresh, endpointBalance, endpointUser}
}

func (s *spectrumdata) routes(mux *http.ServeMux) {
	const user = "/spectrumdata/b2b/api/v1/user"
	mux.HandleFunc("POST "+user+"/reports/{uid}/_make", s.route(endpointMake, s.make))
	mux.HandleFunc("POST "+user+"/reports/{uid}/_refresh", s.route(endpointRefresh, s.refresh))
	mux.HandleFunc("GET "+user+"/reports/{uid}", s.route(endpointReport, s.report))
	mux.HandleFunc("GET "+user+"/balance/{uid}", s.route(endpointBalance, s.balance))
	mux.HandleFunc("GET "+user, s.route(endpointUser, s.user))
}

// route serves one endpoint: work runs with the lock held, for a token that is good now.
func (s *spectrumdata) route(endpoint string, work func(*call, *account, making) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := s.begin(s, r, endpoint)
		defer s.end()
		var m making
		if err == nil && r.Method == http.MethodPost {
			err = decode(r, c.body, &m)
		}
		c.plates = []string{m.vehicle()}
		if endpoint != endpointMake {
			c.plates = s.about(r.PathValue("uid"))
		}
		s.answer(w, c, func(a *account) reply {
			switch {
			case !tokenOf(r).good(s.now()):
				return s.timeouted(tokenOf(r))
			case err != nil:
				return notReadable()
			}
			return work(c, a, m)
		})
	}
}

// about returns the vehicle of a report.
func (s *spectrumdata) about(uid string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.reports[uid]; r != nil {
		return []string{r.vehicle()}
	}
	return nil
}

// arToken is an AR-REST token.
type arToken struct {
	user       string
	stamp, age int64
	salted     string
	ok         bool // it has the form of one
}

func tokenOf(r *http.Request) arToken {
	text, err := base64.StdEncoding.DecodeString(secretOf(r, "AR-REST"))
	parts := strings.Split(string(text), ":")
	if err != nil || len(parts) != 4 {
		return arToken{}
	}
	stamp, err1 := strconv.ParseInt(parts[1], 10, 64)
	age, err2 := strconv.ParseInt(parts[2], 10, 64)
	return arToken{parts[0], stamp, age, parts[3], errors.Join(err1, err2) == nil}
}

// by reports whether the token was made with that password.
func (t arToken) by(password string) bool {
	return t.salted == base64MD5(fmt.Sprintf("%d:%d:%s", t.stamp, t.age, base64MD5(password)))
}

// good reports whether the time of the token has come and is not over.
func (t arToken) good(now time.Time) bool {
	return t.stamp <= now.Unix() && now.Unix() <= t.stamp+t.age
}

func base64MD5(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // as the API has it
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (s *spectrumdata) caller(c *call) *account {
	t := tokenOf(c.r)
	return s.accountWhere(spectrumdataName, func(a *account) bool { return t.ok && a.Login == t.user && t.by(a.Token) })
}

// event is SpectrumData's account of what went wrong.
type event struct {
	UID     string  `json:"uid"`
	Stamp   instant `json:"stamp"`
	Cls     string  `json:"cls"`
	Type    string  `json:"type"`
	Name    string  `json:"name"`
	Message string  `json:"message"`
	Data    any     `json:"data"`
	Events  []event `json:"events"`
}

// failed is a call that was refused, with its event.
type failed struct {
	State string  `json:"state"`
	Stamp instant `json:"stamp"`
	Event event   `json:"event"`
}

// unreadable is what the framework says of a body before SpectrumData's own code sees it.
type unreadable struct {
	Timestamp instant `json:"timestamp"`
	Status    int     `json:"status"`
	Error     string  `json:"error"`
	Exception string  `json:"exception"`
	Message   string  `json:"message"`
	Path      string  `json:"path"`
}

// instant is a time as SpectrumData writes it.
type instant time.Time

// MarshalText writes it with milliseconds.
func (t instant) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

// entity is of what there is none.
type entity struct {
	Type string `json:"entity_type"`
	UID  string `json:"entity_uid"`
}

func missingEntity(kind, uid string) entity { return entity{"api.model." + kind, uid} }

// eventReply writes an event in the envelope and with the status that it has. A refused token has no envelope.
func eventReply(kind string, now time.Time, data any) reply {
	cls, name, status := eventWords(kind)
	if data == nil {
		data = struct{}{}
	}
	e := event{Stamp: instant(now), Cls: cls, Type: kind, Name: name, Message: name, Data: data, Events: []event{}}
	if what, ok := data.(entity); ok {
		e.Message = "Отсутствует объект типа " + what.Type + " с UID " + what.UID
	}
	if kind == eventTimeoutedStamp || kind == eventMalformedToken {
		return reply{status: status, code: kind, value: e}
	}
	return reply{status: status, code: kind, value: failed{State: "fail", Stamp: instant(now), Event: e}}
}

// eventWords are class, name and HTTP status of an event, empty for one that there is not.
func eventWords(kind string) (cls, name string, status int) {
	switch kind {
	case eventTimeoutedStamp:
		return "Security", "Метка времени просрочена", http.StatusForbidden
	case eventMalformedToken:
		return "Security", "Неверная структура токена авторизации", http.StatusBadRequest
	case eventAccessDenied:
		return "Security", "Доступ запрещён", http.StatusForbidden
	case eventNoObject:
		return "Data", "Отсутствие объекта с заданным идентификатором", http.StatusInternalServerError
	case eventSystemError:
		return "Global", "Общая ошибка системы", http.StatusInternalServerError
	case eventQuota:
		return "Data", "Исчерпана квота отчётов", http.StatusBadRequest
	case eventInvalid:
		return "Data", "Некорректные данные запроса", http.StatusBadRequest
	default:
		return "", "", 0
	}
}

func notReadable() reply {
	return reply{status: http.StatusBadRequest, code: eventNotReadable, value: unreadable{
		Status: http.StatusBadRequest, Error: "Bad Request", Message: "Bad Request",
		Exception: "org.springframework.http.converter.HttpMessageNotReadableException", Path: "/b2b/api/v1/user",
	}}
}

// coded knows nothing of the time, nor of what there is none.
func (*spectrumdata) coded(code string) (reply, bool) {
	if code == eventNotReadable {
		return notReadable(), true
	}
	_, name, _ := eventWords(code)
	return eventReply(code, time.Time{}, nil), name != ""
}

// refuse: the document knows no limits of a pace, so that what stands before the service speaks of them.
func (s *spectrumdata) refuse(why refusal, details string) reply {
	events := map[refusal]string{
		noClient: eventMalformedToken, disabled: eventAccessDenied, withheld: eventNoObject, ipRefused: eventAccessDenied,
		noCredit: eventQuota, accountDaily: eventQuota, endpointDaily: eventQuota, malformed: eventInvalid, broken: eventSystemError,
	}
	kind, known := events[why]
	switch {
	case !known:
		return htmlPage(http.StatusTooManyRequests)
	case kind == eventNoObject:
		return eventReply(kind, s.now(), missingEntity("Report_Type", details))
	default:
		return eventReply(kind, s.now(), nil)
	}
}

func (s *spectrumdata) timeouted(t arToken) reply {
	return eventReply(eventTimeoutedStamp, s.now(), struct {
		Stamp instant `json:"income_stamp"`
		Age   int64   `json:"income_age"`
		Now   instant `json:"server_time"`
	}{instant(time.Unix(t.stamp, 0)), t.age, instant(s.now())})
}

// listing is an answer that is no refusal.
type listing struct {
	State string  `json:"state"`
	Size  int     `json:"size"`
	Stamp instant `json:"stamp"`
	Data  []any   `json:"data"`
}

func (s *spectrumdata) listed(data ...any) reply {
	if data == nil {
		data = []any{}
	}
	return reply{status: http.StatusOK, value: listing{State: "ok", Size: len(data), Stamp: instant(s.now()), Data: data}}
}

// quota is one row of a balance. Nothing granted means that there is no limit.
type quota struct {
	Type   string `json:"report_type_uid"`
	Period string `json:"balance_type"`
	First  int    `json:"quote_init"`
	More   int    `json:"quote_up"`
	Used   int    `json:"quote_use"`
}

func (s *spectrumdata) balance(c *call, a *account, _ making) reply {
	kind := c.r.PathValue("uid")
	if kind != SpectrumGRZ && kind != SpectrumVIN {
		return s.refuse(withheld, kind)
	}
	used := s.charged[a.Name]
	day := quota{kind, "DAY", a.Endpoints[endpointMake].Daily, 0, a.each[endpointMake].used}
	total := quota{kind, "TOTAL", 0, 0, used}
	if a.Credit != Unlimited {
		total.First = a.Credit + used
	}
	if total.First == 0 && a.Credit == 0 {
		total.First, total.Used = 1, 1 // nothing at all was granted, which would mean no limit
	}
	return s.listed(day, quota{kind, "MONTH", 0, 0, used}, total)
}

func (s *spectrumdata) user(_ *call, a *account, _ making) reply {
	return s.listed(map[string]any{"login": a.Login, "uid": a.Login, "state": "ACTIVE", "domain_uid": "example"})
}

func (s *spectrumdata) replay(c Charge, state json.RawMessage) error {
	var o ownership
	if err := json.Unmarshal(state, &o); err != nil {
		return err
	}
	s.keep(c.Account, &o, c.Charged)
	return nil
}
