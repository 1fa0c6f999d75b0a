package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// struck returns a stand-in with one fault, and a batch of n plates submitted before the fault was set.
func struck(t *testing.T, f sim.Fault, n int) (*upstream, string) {
	t.Helper()
	u := start(t, sim.Fast())
	id := u.mustSubmit(t, plates(n)...)
	if err := u.SetFault(f); err != nil {
		t.Fatal(err)
	}
	return u, id
}

// wantCharged wants so many charges beside the one that struck made, and the outcome of the last.
func (u *upstream) wantCharged(t *testing.T, n int, outcome string) {
	t.Helper()
	l := u.Ledger()[1:]
	if len(l) != n {
		t.Fatalf("got %d charges, want %d", len(l), n)
	}
	if n > 0 && l[n-1].Outcome != outcome {
		t.Errorf("outcome: got %s, want %s", l[n-1].Outcome, outcome)
	}
}

func TestEveryCodeOnRequest(t *testing.T) {
	t.Parallel()
	for code, kind := range map[int]sim.Kind{
		4001: "4001", 4005: "4005", 4016: "4016", 4031: "4031", 4035: "4035", 4039: "4039",
		4291: "4291", 4292: "4292", 4293: "4293", 4294: "4294", 5001: "5001",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			u, id := struck(t, sim.Fault{Kind: kind, RetryAfter: 7}, 3)
			a := u.submit(t, "KA01AB1234")
			a.wantCode(t, code)
			if got, want := a.header.Get("Retry-After") == "7", code/10 == http.StatusTooManyRequests; got != want {
				t.Errorf("Retry-After: got %q", a.header.Get("Retry-After"))
			}
			u.items(t, id, 0, 10).wantCode(t, code)
			u.wantCharged(t, 0, "")
		})
	}
}

func TestCodeWithAnotherStatus(t *testing.T) {
	t.Parallel()
	u, _ := struck(t, sim.Fault{Kind: "4291", Status: http.StatusOK}, 1)
	if a := u.submit(t, "KA01AB1234"); a.status != http.StatusOK || !strings.Contains(string(a.body), "4291") {
		t.Errorf("got status %d, body %s; want 200 and code 4291", a.status, a.body)
	}
}

func TestPagesThatAreNotTheProviders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault  sim.Fault
		status int
		html   bool
	}{
		{sim.Fault{Kind: "500"}, 500, true},
		{sim.Fault{Kind: "501"}, 501, true},
		{sim.Fault{Kind: "502"}, 502, true},
		{sim.Fault{Kind: "503"}, 503, true},
		{sim.Fault{Kind: "504", Empty: true}, 504, false},
		{sim.Fault{Kind: sim.KindHTML}, 200, true},
		{sim.Fault{Kind: sim.KindHTML, Status: 502}, 502, true},
		{sim.Fault{Kind: "307"}, 307, false},
		{sim.Fault{Kind: "308"}, 308, false},
	} {
		for _, charge := range []bool{false, true} {
			c.fault.Charge = charge
			u, id := struck(t, c.fault, 1)
			a := u.submit(t, "KA01AB1234")
			if a.err != nil || a.status != c.status || strings.Contains(string(a.body), "<html>") != c.html {
				t.Errorf("%s: got status %d, body %s, error %v", c.fault.Kind, a.status, a.body, a.err)
			}
			if (a.header.Get("Content-Type") == "text/html; charset=utf-8") != c.html {
				t.Errorf("%s: got content type %q", c.fault.Kind, a.header.Get("Content-Type"))
			}
			if loc := a.header.Get("Location"); (loc == batchx) != (c.status/100 == 3) {
				t.Errorf("%s: got location %q", c.fault.Kind, loc)
			}
			if b := u.items(t, id, 0, 1); b.status != c.status {
				t.Errorf("%s: items: got status %d", c.fault.Kind, b.status)
			}
			want := 0
			if charge {
				want = 1
			}
			u.wantCharged(t, want, string(c.fault.Kind))
		}
	}
}

func TestConnectionCloses(t *testing.T) {
	t.Parallel()
	for kind, charges := range map[sim.Kind]int{sim.KindClose: 0, sim.KindChargeThenClose: 1} {
		u, id := struck(t, sim.Fault{Kind: kind}, 1)
		// The request goes out on a kept connection: it must not be sent again by the transport.
		if a := u.submit(t, "KA01AB1234"); a.err == nil {
			t.Errorf("%s: got status %d, want a broken connection", kind, a.status)
		}
		u.wantCharged(t, charges, string(kind))
		if a := u.items(t, id, 0, 1); a.err == nil {
			t.Errorf("%s: items: got status %d, want a broken connection", kind, a.status)
		}
		if got := u.Stats().Answers["submit"]["closed"]; got != 1 {
			t.Errorf("%s: got %d closed, want 1", kind, got)
		}
	}
}

func TestChargeOn429(t *testing.T) {
	t.Parallel()
	u, _ := struck(t, sim.Fault{Kind: sim.KindChargeOn429, Code: "4293"}, 1)
	u.submit(t, "KA01AB1234").wantCode(t, 4293)
	u.wantCharged(t, 1, "charge_on_429")
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault sim.Fault
		n     int
		err   error
	}{
		{sim.Fault{Kind: sim.KindCut, N: 9}, 9, io.ErrUnexpectedEOF},
		{sim.Fault{Kind: sim.KindCut, N: 9, Exact: true}, 9, nil},
		{sim.Fault{Kind: sim.KindChargeThenCut}, 28, io.ErrUnexpectedEOF},
	} {
		u, _ := struck(t, c.fault, 1)
		a := u.submit(t, "KA01AB1234")
		if !errors.Is(a.err, c.err) || a.status != 200 || len(a.body) != c.n || json.Valid(a.body) {
			t.Errorf("%+v: got status %d, body %q, error %v", c.fault, a.status, a.body, a.err)
		}
		u.wantCharged(t, 1, string(c.fault.Kind))
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault   sim.Fault
		charges int
	}{
		{sim.Fault{Kind: sim.KindHang}, 0},
		{sim.Fault{Kind: sim.KindHang, Charge: true}, 1},
		{sim.Fault{Kind: sim.KindChargeThenHang}, 1},
	} {
		u, _ := struck(t, c.fault, 1)
		ctx, leave := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.url+batchx, bytes.NewReader(submitBody("KA01AB1234")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Basic "+u.token)
		done := make(chan answer)
		go func() { done <- u.send(req) }()
		for u.Stats().Faults[string(c.fault.Kind)] == 0 || len(u.Ledger()) != 1+c.charges {
			time.Sleep(time.Millisecond) // until it hangs
		}
		leave()
		if a := <-done; !errors.Is(a.err, context.Canceled) {
			t.Errorf("%+v: got status %d, error %v; want none until the client leaves", c.fault, a.status, a.err)
		}
		u.wantCharged(t, c.charges, string(c.fault.Kind))
	}
	u, _ := struck(t, sim.Fault{Kind: sim.KindHang, For: 20 * time.Millisecond}, 1)
	begun := time.Now()
	u.mustSubmit(t, "KA01AB1234")
	if took := time.Since(begun); took < 20*time.Millisecond {
		t.Errorf("hang of 20 ms: took %v", took)
	}
	u.wantCharged(t, 1, sim.Answered)
}

func TestCloseEndsHangs(t *testing.T) {
	t.Parallel()
	u, _ := struck(t, sim.Fault{Kind: sim.KindHang}, 1)
	done := make(chan answer)
	go func() { done <- u.submit(t, "KA01AB1234") }()
	for u.Stats().Faults["hang"] == 0 {
		time.Sleep(time.Millisecond) // the request is on its way
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	<-done
	u.wantCharged(t, 0, "")
}

func TestLatency(t *testing.T) {
	t.Parallel()
	u, _ := struck(t, sim.Fault{Kind: sim.KindLatency, For: 20 * time.Millisecond, Jitter: 5 * time.Millisecond}, 1)
	begun := time.Now()
	u.mustSubmit(t, "KA01AB1234")
	if took := time.Since(begun); took < 20*time.Millisecond {
		t.Errorf("took %v, want 20 ms or more", took)
	}
}

func TestDrip(t *testing.T) {
	t.Parallel()
	u, _ := struck(t, sim.Fault{Kind: sim.KindDrip, For: time.Millisecond}, 1)
	begun := time.Now()
	u.mustSubmit(t, "KA01AB1234") // whole in the end
	if took := time.Since(begun); took < 60*time.Millisecond {
		t.Errorf("took %v, want a millisecond a byte", took)
	}
	if err := u.SetFault(sim.Fault{Kind: sim.KindDrip, For: time.Minute}); err != nil {
		t.Fatal(err)
	}
	u.hc.Timeout = time.Second
	a := u.submit(t, "KA01AB1234")
	if !errors.Is(a.err, context.DeadlineExceeded) || a.status != http.StatusOK {
		t.Errorf("got status %d, error %v; want a timeout in the body", a.status, a.err)
	}
	u.wantCharged(t, 2, "drip")
}

func TestSpoiltBodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault sim.Fault
		check func(answer) bool
	}{
		{sim.Fault{Kind: sim.KindCType}, func(a answer) bool { return a.header.Get("Content-Type") == "text/plain" && json.Valid(a.body) }},
		{sim.Fault{Kind: sim.KindCType, Type: "image/png"}, func(a answer) bool { return a.header.Get("Content-Type") == "image/png" }},
		{sim.Fault{Kind: sim.KindMalformed}, func(a answer) bool { return a.err == nil && !json.Valid(a.body) }},
		{sim.Fault{Kind: sim.KindBOM}, func(a answer) bool { return strings.HasPrefix(string(a.body), "\ufeff{") }},
		{sim.Fault{Kind: sim.KindHuge, N: 2}, func(a answer) bool { return len(a.body) > 2<<20 && json.Valid(a.body) }},
		{sim.Fault{Kind: sim.KindGzipLie}, func(a answer) bool { return a.err != nil }},
	} {
		u, _ := struck(t, c.fault, 1)
		if a := u.submit(t, "KA01AB1234"); a.status != 200 && a.err == nil || !c.check(a) {
			t.Errorf("%s: got status %d, header %v, body %.80q, error %v", c.fault.Kind, a.status, a.header, a.body, a.err)
		}
		u.wantCharged(t, 1, string(c.fault.Kind))
	}
}

func TestRetryAfterOnTheProvidersOwn429(t *testing.T) {
	t.Parallel()
	opts, _ := one(sim.Account{Credit: sim.Unlimited, Limits: sim.Limits{Rate: 1}})
	opts.Faults = []sim.Fault{{Kind: sim.KindRetryAfter, RetryAfter: 11}}
	u := start(t, opts)
	if a := u.submit(t, "KA01AB1234"); a.header.Get("Retry-After") != "" {
		t.Errorf("a good answer has Retry-After")
	}
	a := u.submit(t, "KA01AB1234")
	a.wantCode(t, 4291)
	if got := a.header.Get("Retry-After"); got != "11" {
		t.Errorf("Retry-After: got %q, want 11", got)
	}
}

func TestSameID(t *testing.T) {
	t.Parallel()
	u, first := struck(t, sim.Fault{Kind: sim.KindSameID, Where: "submit"}, 2)
	if got := u.mustSubmit(t, "KA01AB1234"); got != first {
		t.Errorf("got id %s, want that of the first batch %s", got, first)
	}
	u.wantCharged(t, 1, "same_id")
	if got := len(u.mustItems(t, first, 0, 10)); got != 2 {
		t.Errorf("got %d rows, want the 2 of the first batch", got)
	}
}

func TestWhichRequestsAreStruck(t *testing.T) {
	t.Parallel()
	const requests = 200
	for _, c := range []struct {
		fault    sim.Fault
		min, max int
	}{
		{sim.Fault{Every: 10}, 20, 20},
		{sim.Fault{First: 3}, 3, 3},
		{sim.Fault{Rate: 0.1}, 8, 35},
		{sim.Fault{Rate: 1}, requests, requests},
		{sim.Fault{}, requests, requests},
		{sim.Fault{Where: "any"}, requests, requests},
		{sim.Fault{Where: "items"}, 0, 0},
		{sim.Fault{Prefix: "KA00ZZ01"}, 100, 100},
		{sim.Fault{Pattern: "7$"}, 20, 20},
		{sim.Fault{Prefix: "KA00ZZ01", Pattern: "7$"}, 10, 10},
		{sim.Fault{Prefix: "KA00ZZ01", Every: 10}, 10, 10},
	} {
		c.fault.Kind = "4291"
		var first []bool
		for range 2 { // the same requests are struck each time
			u, _ := struck(t, c.fault, 1)
			var refused []bool
			n := 0
			for _, p := range plates(requests) {
				w := httptest.NewRecorder()
				req := httptest.NewRequest(http.MethodPost, batchx, bytes.NewReader(submitBody(p)))
				req.Header.Set("Authorization", "Basic "+u.token)
				req.Header.Set("Content-Type", "application/json")
				u.Handler().ServeHTTP(w, req)
				bad := w.Code == http.StatusTooManyRequests
				refused = append(refused, bad)
				if bad {
					n++
				}
			}
			if n < c.min || n > c.max {
				t.Errorf("%+v: struck %d of %d, want %d to %d", c.fault, n, requests, c.min, c.max)
			}
			for i := range first {
				if refused[i] != first[i] {
					t.Fatalf("%+v: request %d: struck in one run only", c.fault, i)
				}
			}
			first = refused
		}
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sim.Fault{
		"4291":                                   {Kind: "4291"},
		"charge_then_close,where=submit,rate=.1": {Kind: "charge_then_close", Where: "submit", Rate: 0.1},
		"hang,for=1m30s,charge=true,name=slow":   {Kind: "hang", For: 90 * time.Second, Charge: true, Name: "slow"},
		"cut,n=500,exact=true,prefix=99":         {Kind: "cut", N: 500, Exact: true, Prefix: "99"},
	} {
		if got, err := sim.ParseFault(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "none", "hang,for", "hang,for=5", "hang,colour=red", "4291,rate=2", "cut,n=x"} {
		if f, err := sim.ParseFault(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, f)
		}
	}
}

func TestRefuseFault(t *testing.T) {
	t.Parallel()
	u, _ := struck(t, sim.Fault{Kind: sim.KindRefuse, Code: "4035", Where: "attestr"}, 1)
	u.submit(t, "KA01AB1234").wantCode(t, 4035)
	for _, f := range []sim.Fault{
		{Kind: sim.KindRefuse},
		{Kind: sim.KindRefuse, Code: "9999"},
		{Kind: sim.KindRefuse, Code: "4035", Where: "nowhere"},
	} {
		if err := u.SetFault(f); err == nil {
			t.Errorf("%+v: got no error, want that nobody answers so", f)
		}
	}
}
