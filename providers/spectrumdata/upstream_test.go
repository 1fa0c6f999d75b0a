package spectrumdata_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/spectrumdata"
)

// Canaries: they may turn up in no error.
const (
	password = "canary-password"
	kindGRZ  = "A.0076.GRZ@example"
	kindVIN  = "A.0076.VIN@example"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func config(baseURL string) spectrumdata.Config {
	return spectrumdata.Config{
		BaseURL: baseURL + "/b2b/api/v1", User: "somebody@example", Password: password,
		ReportTypeGRZ: kindGRZ, ReportTypeVIN: kindVIN,
	}
}

func newProvider(t testing.TB, cfg spectrumdata.Config) *spectrumdata.Provider {
	t.Helper()
	p, err := spectrumdata.New(cfg, spectrumdata.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newSet(t testing.TB, p providers.Provider) *providers.Set {
	t.Helper()
	s, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request is a good one, but for what change does to it.
func request(change func(providers.Request)) providers.Request {
	r := providers.Request{
		Ref: "r0", Subject: providers.Subject{providers.Plate: "A111AA00", providers.Passport: "1234567890"}, Params: providers.Params{},
	}
	if change != nil {
		change(r)
	}
	return r
}

func about(s providers.Subject) providers.Request {
	return providers.Request{Ref: "r0", Subject: s}
}

// server answers with what is in hand, and keeps the requests it got.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	answers  func(r *http.Request, n int) (status int, body string)
}

// newServer starts a server whose answers are told the number of the request,
// from 0.
func newServer(t testing.TB, answers func(r *http.Request, n int) (status int, body string)) *server {
	t.Helper()
	s := &server{answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// always gives one answer to all.
func always(status int, body string) func(*http.Request, int) (int, string) {
	return func(*http.Request, int) (int, string) { return status, body }
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, fmt.Sprintf("%s %s\nAuthorization: %s\nContent-Type: %s\nAccept: %s\n\n%s\n", r.Method, r.RequestURI,
		shownToken(r), r.Header.Get("Content-Type"), r.Header.Get("Accept"), sent))
	s.mu.Unlock()
	status, body := s.answers(r, n)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// got returns the requests so far.
func (s *server) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// shownToken writes a token without what proves the password.
func shownToken(r *http.Request) string {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AR-REST ")
	plain, err := base64.StdEncoding.DecodeString(text)
	parts := strings.Split(string(plain), ":")
	if !ok || err != nil || len(parts) != 4 {
		return "not a token"
	}
	return "AR-REST base64(" + strings.Join(parts[:3], ":") + ":[salted])"
}

// upstream is a small well-behaved SpectrumData: a report is under way when it
// is first read and finished when it is read again.
type upstream struct {
	mu   sync.Mutex
	read map[string]int // by uid
}

func newUpstream() http.Handler {
	u := &upstream{read: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /b2b/api/v1/user/reports/{kind}/_make", u.make)
	mux.HandleFunc("GET /b2b/api/v1/user/reports/{uid}", u.report)
	return mux
}

func (u *upstream) make(w http.ResponseWriter, r *http.Request) {
	var body struct {
		QueryType, Query string
		Data             map[string]string
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.QueryType != "MULTIPART" || body.Query != " " {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, spring(http.StatusBadRequest))
		return
	}
	_, _ = io.WriteString(w, madeAnswer(r.PathValue("kind")+"="+body.Data["grz"]+body.Data["vin"]))
}

func (u *upstream) report(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	uid := r.PathValue("uid")
	u.read[uid]++
	if u.read[uid] == 1 {
		_, _ = io.WriteString(w, reportAnswer(uid, 1, "PROGRESS", `{}`))
		return
	}
	_, _ = io.WriteString(w, reportAnswer(uid, 0, "OK", `{"check_person":{"vehicle_validator":{"ownedStatus":"OWN"}}}`))
}

func madeAnswer(uid string) string {
	return fmt.Sprintf(`{"state":"ok","size":1,"stamp":"2026-01-01T10:00:00.100Z","data":[{"uid":%q,"isnew":true,`+
		`"process_request_uid":"x_y@domain","suggest_get":"2026-01-01T10:00:03.100Z"}]}`, uid)
}

func reportAnswer(uid string, waiting int, state, content string) string {
	return fmt.Sprintf(`{"state":"ok","size":1,"stamp":"2026-01-01T10:00:05.000Z","data":[{"uid":%q,"report_type_uid":"t@example",`+
		`"created_at":"2026-01-01T10:00:00.000Z","updated_at":"2026-01-01T10:00:04.000Z",`+
		`"progress_ok":%d,"progress_wait":%d,"progress_error":0,`+
		`"state":{"sources":[{"_id":"check_person/z3m_vehicle_validator_by_grz","state":%q,"data":{}}],"data":{}},"content":%s}]}`,
		uid, 1-waiting, waiting, state, content)
}

// fail is a failed call with its event.
func fail(cls, kind, name, message, data string) string {
	return `{"state":"fail","stamp":"2026-01-01T10:00:00.000Z","event":` + bare(cls, kind, name, message, data) + `}`
}

// bare is an event by itself.
func bare(cls, kind, name, message, data string) string {
	return fmt.Sprintf(`{"uid":"","stamp":"2026-01-01T10:00:00.000Z","cls":%q,"type":%q,"name":%q,"message":%q,"data":%s,"events":[]}`,
		cls, kind, name, message, data)
}

// spring is an error of the server's framework.
func spring(status int) string {
	return fmt.Sprintf(`{"timestamp":"2026-01-01T10:00:00.000Z","status":%d,"error":%q,`+
		`"exception":"org.springframework.http.converter.HttpMessageNotReadableException","message":%q,"path":"/b2b/api/v1/user"}`,
		status, http.StatusText(status), http.StatusText(status))
}

func noSuch(entity string) string {
	return fail("Data", "DataSeekObjectError", "Отсутствие объекта с заданным идентификатором",
		"Отсутствует объект типа api.model."+entity+" с UID x@example", `{"entity_type":"api.model.`+entity+`","entity_uid":"x@example"}`)
}

func systemError() string {
	return fail("Global", "GenericSystemError", "Общая ошибка системы", "SELECT count(id) FROM report LIMIT 1", `{"error_type":"x"}`)
}

// lateStamp is what a token draws whose time is over.
func lateStamp(server string) string {
	return bare("Security", "SecurityAuthTimeoutedStamp", "Метка времени просрочена", "Метка времени просрочена",
		`{"income_stamp":"2017-01-05T16:45:23.000Z","income_age":5,"server_time":"`+server+`"}`)
}
