package sim_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers/sim"
)

// regnumSaid is an answer of REGNUM in either form.
type regnumSaid struct {
	XMLName    xml.Name   `json:"-"`
	Data       regnumData `json:"data" xml:"data"`
	Status     int        `json:"status" xml:"status"`
	StatusText string     `json:"statusText" xml:"statusText"`
	Free       *int       `json:"countFREERequests" xml:"countFREERequests"`
}

type regnumData struct {
	Cars  []sim.Car `json:"datacar" xml:"datacar"`
	Empty *bool     `json:"empty" xml:"empty"`
}

// lookup asks about a plate as the usual client, but for what change says.
func (u *upstream) lookup(t *testing.T, plate string, change map[string]string) answer {
	t.Helper()
	q := url.Values{"id": {sim.DefaultLogin}, "seccode": {u.token}, "nameservice": {sim.RegnumService}, "regnum": {plate}}
	for k, v := range change {
		q.Set(k, v)
	}
	return u.do(t, http.MethodGet, "/regnum/bovsoft.regnum.run?"+q.Encode(), nil)
}

// regnum reads an answer in the form that it says it has.
func (a answer) regnum(t *testing.T) regnumSaid {
	t.Helper()
	var v regnumSaid
	read := json.Unmarshal
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/xml") {
		read = xml.Unmarshal
	}
	if err := read(a.body, &v); a.err != nil || err != nil || a.status != 200 || v.Free == nil {
		t.Fatalf("got %d %s, %v, %v, want an answer", a.status, a.body, a.err, err)
	}
	return v
}

func TestRegnumAnswers(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	statuses, cars := map[int]int{}, map[int]int{}
	for _, plate := range plates(200) {
		want := u.RegnumAnswer(sim.RegnumService, plate)
		fromJSON := u.lookup(t, plate, nil).regnum(t)
		fromXML := u.lookup(t, plate, map[string]string{"contenttype": "XML"}).regnum(t)
		for form, got := range map[string]regnumSaid{"JSON": fromJSON, "XML": fromXML} {
			if got.Status != want.Status || len(got.Data.Cars) != len(want.Cars) || len(want.Cars) > 0 && !reflect.DeepEqual(got.Data.Cars, want.Cars) {
				t.Errorf("%s in %s: got %+v, want %+v", plate, form, got, want)
			}
		}
		if e := fromXML.Data.Empty; e == nil || *e != (len(want.Cars) == 0) || fromJSON.Data.Empty != nil {
			t.Errorf("%s: got empty %v, want it in XML and right", plate, e)
		}
		statuses[want.Status]++
		cars[len(want.Cars)]++
	}
	if statuses[200] == 0 || statuses[404] == 0 || cars[1] == 0 || cars[2] == 0 || cars[0] <= statuses[404] {
		t.Errorf("got statuses %v, cars %v, want some of all kinds", statuses, cars)
	}
}

// TestRegnumWireFormat: names and order are the document's.
func TestRegnumWireFormat(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Options{Answers: sim.Answers{Found: 1}})
	text := string(u.lookup(t, "AB12345", map[string]string{"contenttype": "JSON"}).body)
	if want := `{"data":{"datacar":[{"ktype":`; !strings.HasPrefix(text, want) {
		t.Errorf("got %s, want %s first", text, want)
	}
	if want := `}]},"status":200,"statusText":"OK","countFREERequests":0}`; !strings.HasSuffix(text, want) {
		t.Errorf("got %s, want %s last", text, want)
	}
	text = string(u.lookup(t, "AB12345", map[string]string{"contenttype": "XML"}).body)
	if want := xml.Header + "<getktype>\n    <status>200</status>"; !strings.HasPrefix(text, want) {
		t.Errorf("got %s, want %s first", text, want)
	}
	if want := "</vin>\n        </datacar>\n        <empty>false</empty>\n    </data>\n</getktype>"; !strings.HasSuffix(text, want) {
		t.Errorf("got %s, want %s last", text, want)
	}
}

func TestRegnumRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		account sim.Account
		change  map[string]string
		want    int
	}{
		"wrong id":           {sim.Account{Credit: 1}, map[string]string{"id": "x"}, 401},
		"wrong seccode":      {sim.Account{Credit: 1}, map[string]string{"seccode": "x"}, 401},
		"address refused":    {sim.Account{Credit: 1, IPRefused: true}, nil, 401},
		"zero balance":       {sim.Account{}, nil, 402},
		"temporary":          {sim.Account{Credit: 1, Disabled: true}, nil, 403},
		"maintenance":        {sim.Account{Credit: 1, Withheld: true}, nil, 503},
		"no plate":           {sim.Account{Credit: 1}, map[string]string{"regnum": ""}, 404},
		"no such service":    {sim.Account{Credit: 1}, map[string]string{"nameservice": "getplates"}, 404},
		"a country's no one": {sim.Account{Credit: 1}, map[string]string{"nameservice": "getktypefornumplate"}, 404},
		"free requests left": {sim.Account{Free: 1}, nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.account.Provider, tc.account.Name, tc.account.Token = "regnum", "one", sim.DefaultToken
			for _, form := range []string{"JSON", "XML"} {
				u := start(t, sim.Options{Answers: sim.Answers{Found: 1}, Accounts: []sim.Account{tc.account}})
				change := map[string]string{"contenttype": form}
				maps.Copy(change, tc.change)
				if got := u.lookup(t, "AB12345", change).regnum(t); tc.want != got.Status {
					t.Errorf("%s: got %+v, want status %d", form, got, tc.want)
				}
				if n := len(u.Ledger()); n > 0 && tc.want != 200 {
					t.Errorf("%s: got %d charges, want none for a refusal", form, n)
				}
			}
		})
	}
}

func TestRegnumLimitsAreNotTheServices(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Options{Now: newClock().now, Accounts: []sim.Account{{
		Provider: "regnum", Name: "one", Token: sim.DefaultToken, Credit: sim.Unlimited, Limits: sim.Limits{Rate: 1},
	}}})
	u.lookup(t, "AB12345", nil).regnum(t)
	if a := u.lookup(t, "AB12345", nil); a.status != 429 || !strings.Contains(string(a.body), "<html>") {
		t.Errorf("got %d %s, want a page with 429", a.status, a.body)
	}
}

func TestRegnumFaults(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	for _, code := range []int{401, 402, 403, 404, 503} {
		fault := sim.Fault{Name: "one", Kind: sim.KindRefuse, Where: "lookup", Code: fmt.Sprint(code)}
		if err := u.SetFault(fault); err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"JSON", "XML"} {
			if got := u.lookup(t, "AB12345", map[string]string{"contenttype": form}).regnum(t); got.Status != code || got.StatusText == "" {
				t.Errorf("got %+v, want status %d with words", got, code)
			}
		}
	}
	if err := u.SetFault(sim.Fault{Kind: sim.KindRefuse, Where: "lookup", Code: "4291"}); err == nil {
		t.Error("got no error, want one over a code of another provider")
	}
}

// TestRegnumChargesOnce: a plate is charged when it is first decoded, by account and service, before and after a restart.
func TestRegnumChargesOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "journal")
	opts := sim.Options{Answers: sim.Answers{Found: 1}, Accounts: []sim.Account{
		{Provider: "regnum", Name: "one", Token: sim.DefaultToken, Credit: 10, Free: 2},
		{Provider: "regnum", Name: "two", Token: "second", Credit: 10},
	}}
	wantLeft := func(u *upstream, credit, free, lines int) {
		t.Helper()
		one := u.Accounts()[0]
		if one.Credit != credit || one.Free != free || len(u.Ledger()) != lines {
			t.Errorf("got credit %d, %d free, %d lines, want %d, %d, %d", one.Credit, one.Free, len(u.Ledger()), credit, free, lines)
		}
	}
	u := reopen(t, file, opts)
	all := plates(5)
	for i, plate := range all {
		for range 2 {
			if got := u.lookup(t, plate, nil).regnum(t); *got.Free != max(0, 1-i) {
				t.Errorf("%s: got %d free requests, want %d", plate, *got.Free, max(0, 1-i))
			}
		}
	}
	wantLeft(u, 7, 0, 5)
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	u = reopen(t, file, opts)
	wantLeft(u, 7, 0, 5)
	u.lookup(t, all[0], nil).regnum(t)
	u.lookup(t, all[4], nil).regnum(t)
	wantLeft(u, 7, 0, 5)
	u.lookup(t, all[4], map[string]string{"nameservice": "getktypefornumplatefrance"}).regnum(t)
	wantLeft(u, 6, 0, 6)
	u.lookup(t, all[4], map[string]string{"seccode": "second"}).regnum(t)
	wantLeft(u, 6, 0, 7)
	for plate, n := range u.Charges("regnum") {
		if want := map[string]int{all[2]: 1, all[3]: 1, all[4]: 3}[plate]; n != want {
			t.Errorf("got plate %s charged %d times, want %d", plate, n, want)
		}
	}
	if got := u.Charges("attestr"); len(got) > 0 {
		t.Errorf("got %v charged by another provider, want none", got)
	}
}
