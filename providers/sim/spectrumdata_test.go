package sim_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// arToken makes an AR-REST token.
func arToken(user, password string, stamp time.Time, age int) string {
	hash := func(s string) string {
		sum := md5.Sum([]byte(s))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	times := fmt.Sprintf("%d:%d", stamp.Unix(), age)
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + times + ":" + hash(times+":"+hash(password))))
}

// spectrum asks SpectrumData as the usual client, with a token of now.
func (u *upstream) spectrum(t *testing.T, now time.Time, method, path, body string) answer {
	t.Helper()
	return u.spectrumAs(t, arToken(sim.DefaultLogin, u.token, now, 60), method, path, body)
}

func (u *upstream) spectrumAs(t *testing.T, token, method, path, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, u.url+"/spectrumdata/b2b/api/v1/user"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AR-REST "+token)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := u.hc.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: text, err: err}
}

// spectrumSaid is any answer of SpectrumData.
type spectrumSaid struct {
	State string
	Size  *int
	Event struct {
		Cls, Type string
		Data      map[string]any
	}
	Cls, Type string
	Data      json.RawMessage
}

// reportSaid is one element of its data.
type reportSaid struct {
	UID       string
	New       bool   `json:"isnew"`
	RequestID string `json:"process_request_uid"`
	Suggest   string `json:"suggest_get"`
	Type      string `json:"report_type_uid"`
	Updated   string `json:"updated_at"`
	OK        int    `json:"progress_ok"`
	Wait      int    `json:"progress_wait"`
	Error     int    `json:"progress_error"`
	State     struct {
		Sources []struct {
			ID    string `json:"_id"`
			State string
		}
	}
	Content map[string]map[string]map[string]string
	Period  string `json:"balance_type"`
	First   int    `json:"quote_init"`
	More    int    `json:"quote_up"`
	Used    int    `json:"quote_use"`
}

// listed reads the elements of an answer that is no refusal.
func (a answer) listed(t *testing.T) []reportSaid {
	t.Helper()
	var v spectrumSaid
	var all []reportSaid
	if err := json.Unmarshal(a.body, &v); a.err != nil || err != nil || a.status != 200 || v.State != "ok" || v.Size == nil {
		t.Fatalf("got %d %s, %v, want a listing", a.status, a.body, a.err)
	}
	if err := json.Unmarshal(v.Data, &all); err != nil || len(all) != *v.Size {
		t.Fatalf("got %s, %v, want as many as it says", a.body, err)
	}
	return all
}

// event reads the type of an event, in its envelope or by itself.
func (a answer) event(t *testing.T) string {
	t.Helper()
	var v spectrumSaid
	if err := json.Unmarshal(a.body, &v); a.err != nil || err != nil {
		t.Fatalf("got %d %s, %v, want an event", a.status, a.body, a.err)
	}
	if v.State == "fail" {
		return v.Event.Type
	}
	return v.Type
}

func makeBody(data map[string]string, options string) string {
	text, _ := json.Marshal(data) // strings: cannot fail
	return fmt.Sprintf(`{"queryType":"MULTIPART","query":" ","data":%s%s}`, text, options)
}

func grz(plate string) map[string]string { return map[string]string{"grz": plate, "inn": "1234567890"} }

const makeGRZ = "/reports/A.0076.CAR.ACT-ALL_grz%40example/_make"

// made makes a report about a plate.
func (u *upstream) made(t *testing.T, now time.Time, plate, options string) reportSaid {
	t.Helper()
	all := u.spectrum(t, now, http.MethodPost, makeGRZ, makeBody(grz(plate), options)).listed(t)
	if len(all) != 1 || all[0].UID == "" {
		t.Fatalf("got %+v, want one report", all)
	}
	return all[0]
}

func (u *upstream) shown(t *testing.T, now time.Time, uid string) []reportSaid {
	t.Helper()
	return u.spectrum(t, now, http.MethodGet, "/reports/"+url.QueryEscape(uid)+"?_content=true&_detailed=true", "").listed(t)
}

func TestSpectrumReportsAreFinishedInTheirTime(t *testing.T) {
	t.Parallel()
	c := newClock()
	u := start(t, sim.Options{Now: c.now, Completion: sim.Completion{Min: time.Second, Max: 5 * time.Second}})
	got := map[sim.OwnerAnswer]int{}
	for i := range 200 {
		plate := fmt.Sprintf("А%03dАА77", i)
		m := u.made(t, c.now(), plate, "")
		if !m.New || m.RequestID == "" || !strings.Contains(m.UID, "=@example") || !strings.HasPrefix(m.UID, "A.0076.CAR.ACT-ALL_grz_") {
			t.Fatalf("got %+v, want a new report", m)
		}
		r := u.shown(t, c.now(), m.UID)[0]
		if r.Wait != 1 || len(r.State.Sources) != 1 || r.State.Sources[0].State != "PROGRESS" || r.Content == nil || len(r.Content) != 0 {
			t.Errorf("at once: got %+v, want it in progress", r)
		}
		c.advance(5 * time.Second)
		r = u.shown(t, c.now(), m.UID)[0]
		want := u.OwnerAnswer(grz(plate), 1)
		if r.UID != m.UID || r.Wait != 0 || r.State.Sources[0].State != want.Source ||
			r.Content["check_person"]["vehicle_validator"]["ownedStatus"] != want.Owned {
			t.Errorf("got %+v, want %+v", r, want)
		}
		if id := r.State.Sources[0].ID; id != "check_person/z3m_vehicle_validator_by_grz" {
			t.Errorf("got source %s", id)
		}
		got[want]++
	}
	for _, want := range []sim.OwnerAnswer{
		{Source: "OK", Owned: "OWN"}, {Source: "OK", Owned: "NOT_OWN"}, {Source: "OK", Owned: "OWNED_BEFORE"}, {Source: "OK", Owned: "UNKNOWN"},
		{Source: "OK"}, {Source: "ERROR"}, {Source: "SKIP"},
	} {
		if got[want] == 0 {
			t.Errorf("got no %+v among %v", want, got)
		}
	}
}

// TestSpectrumChargesRounds: a report is charged when it is made, forced or refreshed, and not when it is asked for
// again, before and after a restart.
func TestSpectrumChargesRounds(t *testing.T) {
	t.Parallel()
	c := newClock()
	file := filepath.Join(t.TempDir(), "journal")
	opts := sim.Options{Now: c.now, Accounts: []sim.Account{{Provider: "spectrumdata", Name: "one", Token: sim.DefaultToken, Credit: 10}}}
	u := reopen(t, file, opts)
	wantCharged := func(n int) {
		t.Helper()
		if got := len(u.Ledger()); got != n {
			t.Fatalf("got %d charges, want %d", got, n)
		}
		for _, row := range u.spectrum(t, c.now(), http.MethodGet, "/balance/A.0076.CAR.ACT-ALL_grz%40example", "").listed(t) {
			if row.Period == "TOTAL" && (row.First+row.More != 10 || row.Used != n) {
				t.Errorf("got balance %+v, want %d of 10 used", row, n)
			}
		}
	}
	first := u.made(t, c.now(), "А111АА77", "")
	wantCharged(1)
	again := u.made(t, c.now(), "А111АА77", "")
	if again.New || again.UID != first.UID || again.RequestID != "" {
		t.Errorf("got %+v, want the report that there is", again)
	}
	wantCharged(1)
	forced := u.made(t, c.now(), "А111АА77", `,"options":{"FORCE":true}`)
	if !forced.New || forced.UID != first.UID || forced.RequestID == first.RequestID {
		t.Errorf("got %+v, want it made anew in its place", forced)
	}
	wantCharged(2)
	refreshed := u.spectrum(t, c.now(), http.MethodPost, "/reports/"+url.QueryEscape(first.UID)+"/_refresh", "{}").listed(t)
	if len(refreshed) != 1 || !refreshed[0].New || refreshed[0].UID != first.UID {
		t.Errorf("got %+v, want it made anew in its place", refreshed)
	}
	wantCharged(3)
	before := u.shown(t, c.now(), first.UID)
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	u = reopen(t, file, opts)
	wantCharged(3)
	if after := u.shown(t, c.now(), first.UID); len(after) != 1 || after[0].Updated != before[0].Updated || after[0].State.Sources[0] != before[0].State.Sources[0] {
		t.Errorf("after a restart: got %+v, want %+v", after, before)
	}
	if u.made(t, c.now(), "А111АА77", "").New {
		t.Error("after a restart: got a new report, want the one that there is")
	}
	calls := map[string]bool{}
	for _, charge := range u.Ledger() {
		calls[charge.Call] = true
	}
	if len(calls) != 3 {
		t.Errorf("got calls %v, want one for each charge", calls)
	}
}

func TestSpectrumRefusals(t *testing.T) {
	t.Parallel()
	c := newClock()
	now := c.now()
	good := arToken(sim.DefaultLogin, sim.DefaultToken, now, 60)
	usual := sim.Account{Credit: 1}
	for name, tc := range map[string]struct {
		account      sim.Account
		token        string
		method, path string
		body         string
		status       int
		want         string
	}{
		"no token":            {usual, "", "GET", "", "", 400, "SecurityAuthMalformedToken"},
		"wrong password":      {usual, arToken(sim.DefaultLogin, "x", now, 60), "GET", "", "", 400, "SecurityAuthMalformedToken"},
		"wrong user":          {usual, arToken("x@example", sim.DefaultToken, now, 60), "GET", "", "", 400, "SecurityAuthMalformedToken"},
		"token of the past":   {usual, arToken(sim.DefaultLogin, sim.DefaultToken, now.Add(-61*time.Second), 60), "GET", "", "", 403, "SecurityAuthTimeoutedStamp"},
		"token of the future": {usual, arToken(sim.DefaultLogin, sim.DefaultToken, now.Add(time.Second), 60), "GET", "", "", 403, "SecurityAuthTimeoutedStamp"},
		"closed account":      {sim.Account{Disabled: true}, good, "GET", "", "", 403, "SecurityAccessDenied"},
		"address refused":     {sim.Account{IPRefused: true}, good, "GET", "", "", 403, "SecurityAccessDenied"},
		"not provisioned":     {sim.Account{Withheld: true}, good, "GET", "", "", 500, "DataSeekObjectError"},
		"no such type":        {usual, good, "POST", "/reports/x/_make", makeBody(grz("А111АА77"), ""), 500, "DataSeekObjectError"},
		"no such report":      {usual, good, "POST", "/reports/x/_refresh", "{}", 500, "DataSeekObjectError"},
		"no balance of it":    {usual, good, "GET", "/balance/x", "", 500, "DataSeekObjectError"},
		"no credit":           {sim.Account{}, good, "POST", makeGRZ, makeBody(grz("А111АА77"), ""), 400, "DataQuoteError"},
		"not JSON":            {usual, good, "POST", makeGRZ, "x", 400, ""},
		"other query type":    {usual, good, "POST", makeGRZ, strings.Replace(makeBody(grz("А111АА77"), ""), "MULTIPART", "GRZ", 1), 400, "DataValidationError"},
		"Latin plate":         {usual, good, "POST", makeGRZ, makeBody(grz("A111AA77"), ""), 400, "DataValidationError"},
		"no vehicle":          {usual, good, "POST", makeGRZ, makeBody(map[string]string{"inn": "1"}, ""), 400, "DataValidationError"},
		"no owner":            {usual, good, "POST", makeGRZ, makeBody(map[string]string{"grz": "А111АА77"}, ""), 400, "DataValidationError"},
		"half a name": {
			usual, good, "POST", makeGRZ, makeBody(map[string]string{"grz": "А111АА77", "last_name": "Иванов", "birth": "01.01.2000"}, ""),
			400, "DataValidationError",
		},
		"VIN for the type of plates": {
			usual, good, "POST", makeGRZ, makeBody(map[string]string{"vin": "EXAMPL0V1N1000000", "inn": "1"}, ""), 400, "DataValidationError",
		},
		"plate for the type of VINs": {
			usual, good, "POST", "/reports/A.0076.CAR.ACT-ALL_vin%40example/_make", makeBody(grz("А111АА77"), ""), 400, "DataValidationError",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.account.Provider, tc.account.Name, tc.account.Token = "spectrumdata", "one", sim.DefaultToken
			u := start(t, sim.Options{Now: c.now, Accounts: []sim.Account{tc.account}})
			a := u.spectrumAs(t, tc.token, tc.method, tc.path, tc.body)
			if got := a.event(t); a.status != tc.status || got != tc.want {
				t.Errorf("got %d %s, want %d %s", a.status, a.body, tc.status, tc.want)
			}
			if n := len(u.Ledger()); n != 0 {
				t.Errorf("got %d charges, want none for a refusal", n)
			}
		})
	}
}

func TestSpectrumKnowsReportsByWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	c := newClock()
	u := start(t, sim.Options{Now: c.now})
	const path = "/reports/A.0076.CAR.ACT-ALL_vin%40example/_make"
	uid := func(data map[string]string) string {
		return u.spectrum(t, c.now(), http.MethodPost, path, makeBody(data, "")).listed(t)[0].UID
	}
	base := map[string]string{"vin": "EXAMPL0V1N1000000", "passport_hash": "a"}
	both := map[string]string{"vin": "EXAMPL0V1N1000000", "passport_hash": "a", "passport": "1234567890"}
	other := map[string]string{"vin": "EXAMPL0V1N1000000", "passport": "1234567890"}
	body := map[string]string{"body": "GX100", "passport_hash": "a"}
	if uid(base) != uid(both) {
		t.Error("got two reports, want the first way to name the owner to be used alone")
	}
	if uid(base) == uid(other) || uid(base) == uid(body) {
		t.Error("got one report on two things")
	}
	if got := u.spectrum(t, c.now(), http.MethodGet, "/reports/nobody%40example", "").listed(t); len(got) != 0 {
		t.Errorf("got %+v of a report that nobody made, want none", got)
	}
	if a := u.spectrum(t, c.now(), http.MethodGet, "?_detailed=false", ""); a.status != 200 || !strings.Contains(string(a.body), sim.DefaultLogin) {
		t.Errorf("got %d %s, want the account", a.status, a.body)
	}
}

func TestSpectrumQuotasAndLimits(t *testing.T) {
	t.Parallel()
	c := newClock()
	u := start(t, sim.Options{Now: c.now, Accounts: []sim.Account{{
		Provider: "spectrumdata", Name: "one", Token: sim.DefaultToken, Credit: sim.Unlimited,
		Endpoints: map[string]sim.Limits{"make": {Daily: 2}, "report": {Rate: 1}},
	}}})
	m := u.made(t, c.now(), "А111АА77", "")
	u.made(t, c.now(), "А222АА77", "")
	if got := u.spectrum(t, c.now(), http.MethodPost, makeGRZ, makeBody(grz("А333АА77"), "")).event(t); got != "DataQuoteError" {
		t.Errorf("got %s, want the quota of the day to be used up", got)
	}
	for _, row := range u.spectrum(t, c.now(), http.MethodGet, "/balance/A.0076.CAR.ACT-ALL_grz%40example", "").listed(t) {
		want := map[string][2]int{"DAY": {2, 2}, "MONTH": {0, 2}, "TOTAL": {0, 2}}[row.Period]
		if row.First != want[0] || row.Used != want[1] {
			t.Errorf("got %+v, want %v", row, want)
		}
	}
	u.shown(t, c.now(), m.UID)
	if a := u.spectrum(t, c.now(), http.MethodGet, "/reports/"+url.QueryEscape(m.UID), ""); a.status != 429 || !strings.Contains(string(a.body), "<html>") {
		t.Errorf("got %d %s, want a page with 429", a.status, a.body)
	}
}

func TestSpectrumFaults(t *testing.T) {
	t.Parallel()
	c := newClock()
	u := start(t, sim.Options{Now: c.now})
	m := u.made(t, c.now(), "А111АА77", "")
	for code, status := range map[string]int{
		"SecurityAuthTimeoutedStamp": 403, "SecurityAuthMalformedToken": 400, "SecurityAccessDenied": 403, "DataSeekObjectError": 500,
		"GenericSystemError": 500, "DataQuoteError": 400, "DataValidationError": 400, "http_400": 400,
	} {
		if err := u.SetFault(sim.Fault{Name: "one", Kind: sim.KindRefuse, Where: "report", Code: code}); err != nil {
			t.Fatal(err)
		}
		a := u.spectrum(t, c.now(), http.MethodGet, "/reports/"+url.QueryEscape(m.UID), "")
		want := strings.TrimSuffix(code, "http_400")
		if got := a.event(t); a.status != status || got != want {
			t.Errorf("%s: got %d %s", code, a.status, a.body)
		}
	}
	u.ClearFaults()
	if got := u.shown(t, c.now(), m.UID); len(got) != 1 || got[0].Wait != 0 {
		t.Fatalf("got %+v, want it finished", got)
	}
	for kind, want := range map[sim.Kind]func([]reportSaid) bool{
		sim.KindMissing: func(got []reportSaid) bool { return len(got) == 0 },
		sim.KindNever:   func(got []reportSaid) bool { return len(got) == 1 && got[0].Wait == 1 },
	} {
		if err := u.SetFault(sim.Fault{Name: "one", Kind: kind, Where: "report", Prefix: "А111"}); err != nil {
			t.Fatal(err)
		}
		if got := u.shown(t, c.now(), m.UID); !want(got) {
			t.Errorf("%s: got %+v", kind, got)
		}
		if err := u.SetFault(sim.Fault{Name: "one", Kind: kind, Where: "report", Prefix: "Б"}); err != nil {
			t.Fatal(err)
		}
		if got := u.shown(t, c.now(), m.UID); want(got) {
			t.Errorf("%s of another plate: got %+v", kind, got)
		}
	}
}
