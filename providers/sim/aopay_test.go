package sim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers/sim"
)

// fetch asks about a plate as the usual customer, but for what change says.
func (u *upstream) fetch(t *testing.T, plate string, change map[string]any) answer {
	t.Helper()
	body := map[string]any{"operator": 311, "canumber": plate, "RegistrationID": u.token}
	maps.Copy(body, change)
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return u.do(t, http.MethodPost, "/aopay/api/AOP/FetchConsumerDetails", text)
}

func TestAOPayAnswers(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	codes, whole := map[int]int{}, 0
	for _, plate := range plates(300) {
		want := u.AOPayAnswer(311, plate)
		codes[want.Code]++
		if want.Bill == nil {
			if a := u.fetch(t, plate, nil); a.status != 200 || !strings.HasPrefix(string(a.body), fmt.Sprintf(`{"status":false,"response_code":%d,"message":"`, want.Code)) {
				t.Errorf("%s: got %d %s, want code %d", plate, a.status, a.body, want.Code)
			}
			continue
		}
		var got sim.AOPayBill
		u.fetch(t, plate, nil).into(t, &got)
		if !reflect.DeepEqual(got, *want.Bill) {
			t.Errorf("%s: got %+v, want %+v", plate, got, want.Bill)
		}
		if got.Fetch != nil {
			whole++
		}
	}
	if codes[1] == 0 || codes[2] == 0 || codes[9] == 0 || codes[13] == 0 || whole == 0 || whole == codes[1] {
		t.Errorf("got codes %v, %d whole bills, want some of all kinds", codes, whole)
	}
	if n := len(u.Charges("aopay")); n != 300 || len(u.Ledger()) != 300 {
		t.Errorf("got %d plates charged, want 300 once", n)
	}
}

// TestAOPayWireFormat: names and order are the document's.
func TestAOPayWireFormat(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Options{Answers: sim.Answers{Found: 1}})
	text := string(u.fetch(t, "DL12CB4685", nil).body)
	at := 0
	for _, name := range []string{"response_code", "status", "amount", "name", "duedate", "bill_fetch", "billAmount", "billnetamount", "dueDate",
		"maxBillAmount", "acceptPayment", "acceptPartPay", "cellNumber", "userName", "message"} {
		i := strings.Index(text[at:], `"`+name+`":`)
		if i < 0 {
			t.Fatalf("got %s, want %s after the fields before it", text, name)
		}
		at += i
	}
	if !strings.Contains(text, `"cellNumber":"DL12CB4685"`) || !strings.Contains(text, "  ") {
		t.Errorf("got %s, want the plate as cellNumber and two blanks in the name", text)
	}
}

func TestAOPayRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		account sim.Account
		change  map[string]any
		status  int
		code    int
	}{
		"nobody's":        {sim.Account{Credit: 1}, map[string]any{"RegistrationID": "x"}, 401, 10},
		"empty":           {sim.Account{Credit: 1}, map[string]any{"RegistrationID": ""}, 401, 10},
		"closed":          {sim.Account{Credit: 1, Disabled: true}, nil, 401, 10},
		"no money":        {sim.Account{}, nil, 200, 16},
		"no operator":     {sim.Account{Credit: 1}, map[string]any{"operator": 0}, 200, 8},
		"operator a text": {sim.Account{Credit: 1}, map[string]any{"operator": "311"}, 401, 10},
		"no plate":        {sim.Account{Credit: 1}, map[string]any{"canumber": ""}, 200, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.account.Provider, tc.account.Name, tc.account.Token = "aopay", "one", sim.DefaultToken
			u := start(t, sim.Options{Answers: sim.Answers{Found: 1}, Accounts: []sim.Account{tc.account}})
			if a := u.fetch(t, "DL12CB4685", tc.change); a.status != tc.status || !strings.Contains(string(a.body), fmt.Sprintf(`"response_code":%d,`, tc.code)) {
				t.Errorf("got %d %s, want %d with code %d", a.status, a.body, tc.status, tc.code)
			}
			if n := len(u.Ledger()); n > 0 {
				t.Errorf("got %d charges, want none for a refusal", n)
			}
		})
	}
	u := start(t, sim.Options{Now: newClock().now, Accounts: []sim.Account{
		{Provider: "aopay", Name: "one", Token: sim.DefaultToken, Credit: 2, Limits: sim.Limits{Rate: 1e-9}},
	}})
	u.fetch(t, "DL12CB4685", nil)
	if a := u.fetch(t, "DL12CB4685", nil); a.status != 429 || !strings.Contains(string(a.body), "<html>") {
		t.Errorf("got %d %s, want a page with 429", a.status, a.body)
	}
}

func TestAOPayFaults(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	for code, status := range map[int]int{2: 200, 8: 200, 9: 200, 10: 401, 13: 200, 16: 200} {
		if err := u.SetFault(sim.Fault{Name: "one", Kind: sim.KindRefuse, Where: "fetch", Code: fmt.Sprint(code)}); err != nil {
			t.Fatal(err)
		}
		if a := u.fetch(t, "DL12CB4685", nil); a.status != status || !strings.Contains(string(a.body), fmt.Sprintf(`"response_code":%d,`, code)) {
			t.Errorf("got %d %s, want %d with code %d", a.status, a.body, status, code)
		}
	}
	if err := u.SetFault(sim.Fault{Kind: sim.KindRefuse, Where: "fetch", Code: "401"}); err == nil {
		t.Error("got no error, want one over a code of another provider")
	}
}

// TestAOPayChargesEachFetch: there is no idempotency, before and after a restart.
func TestAOPayChargesEachFetch(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "journal")
	opts := sim.Options{Seed: 3, Accounts: []sim.Account{{Provider: "aopay", Name: "one", Token: sim.DefaultToken, Credit: 10}}}
	u := reopen(t, file, opts)
	for range 2 {
		for _, plate := range plates(3) {
			u.fetch(t, plate, nil)
		}
	}
	first := string(u.fetch(t, plates(1)[0], nil).body)
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	u = reopen(t, file, opts)
	if got := string(u.fetch(t, plates(1)[0], nil).body); got != first {
		t.Errorf("got %s after a restart, want %s", got, first)
	}
	if n := u.Charges("aopay")[plates(1)[0]]; n != 4 || u.Accounts()[0].Credit != 2 {
		t.Errorf("got %d charges, credit %d, want 4 and 2", n, u.Accounts()[0].Credit)
	}
	calls := map[string]bool{}
	for _, c := range u.Ledger() {
		calls[c.Call] = true
	}
	if len(calls) != 8 {
		t.Errorf("got %d different calls, want 8", len(calls))
	}
}

// TestAOPayHasNoOtherPath: nothing that moves money is played.
func TestAOPayHasNoOtherPath(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	for _, path := range []string{"DoRecharge", "BillPaymentPaybill", "V2/MobileRecharge", "fetchconsumerdetails", ""} {
		if a := u.do(t, http.MethodPost, "/aopay/api/AOP/"+path, []byte(`{}`)); a.status != 404 {
			t.Errorf("%s: got %d, want 404", path, a.status)
		}
	}
}
