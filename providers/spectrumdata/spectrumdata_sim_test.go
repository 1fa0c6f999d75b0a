package spectrumdata_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/providers/spectrumdata"
)

// clock is moved by hand.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return noon.Add(time.Duration(c.ms.Load()) * time.Millisecond) }

func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// against returns the provider in front of a stand-in. Its clock is ahead of
// the stand-in's by ahead.
func against(t *testing.T, opts sim.Options, c *clock, ahead time.Duration) (*sim.Server, *providers.Set) {
	t.Helper()
	opts.Now = c.now
	server, err := sim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server.Handler())
	t.Cleanup(func() {
		srv.Close()
		_ = server.Close()
	})
	p, err := spectrumdata.New(spectrumdata.Config{
		BaseURL: srv.URL + "/spectrumdata/b2b/api/v1", User: sim.DefaultLogin, Password: sim.DefaultToken,
		ReportTypeGRZ: sim.SpectrumGRZ, ReportTypeVIN: sim.SpectrumVIN,
	}, spectrumdata.Options{Now: func() time.Time { return c.now().Add(ahead) }})
	if err != nil {
		t.Fatal(err)
	}
	return server, newSet(t, p)
}

// people are subjects of every kind, with what SpectrumData is sent of them.
func people(i int) (providers.Subject, map[string]string) {
	s, sent := providers.Subject{}, map[string]string{}
	switch i % 3 {
	case 0:
		s[providers.Plate], sent["grz"] = fmt.Sprintf("A%03dBC77", i), fmt.Sprintf("А%03dВС77", i)
	case 1:
		s[providers.VIN] = fmt.Sprintf("EXAMPL0V1N1%06d", i)
		sent["vin"] = s[providers.VIN]
	default:
		s[providers.Body] = fmt.Sprintf("GX100-%06d", i)
		sent["body"] = s[providers.Body]
	}
	var cols []providers.Column
	switch i % 5 {
	case 0:
		s[providers.FIOBirthHash], cols = fmt.Sprintf("%032x", i), []providers.Column{providers.FIOBirthHash}
	case 1:
		s[providers.PassportHash], cols = fmt.Sprintf("%032x", i), []providers.Column{providers.PassportHash}
	case 2:
		s[providers.LastName], s[providers.FirstName], s[providers.Birth] = "Иванов", "Иван", "01.01.2000"
		cols = []providers.Column{providers.LastName, providers.FirstName, providers.Birth}
	case 3:
		s[providers.Passport], cols = fmt.Sprintf("%010d", i), []providers.Column{providers.Passport}
	default:
		s[providers.INN], cols = fmt.Sprintf("%010d", i), []providers.Column{providers.INN}
	}
	for _, c := range cols {
		sent[string(c)] = s[c]
	}
	return s, sent
}

// TestAgainstStandIn asks 600 questions of every kind, twice each, and wants
// the true answer about each, charged once.
func TestAgainstStandIn(t *testing.T) {
	t.Parallel()
	var c clock
	opts := sim.Fast()
	opts.Seed, opts.Completion = 7, sim.Completion{Min: time.Second, Max: 5 * time.Second}
	opts.Faults = []sim.Fault{
		{Kind: sim.KindMissing, Where: "report", Rate: 0.02},
		{Kind: sim.KindNever, Where: "report", Rate: 0.02},
	}
	server, set := against(t, opts, &c, 0)
	var asks []asking
	for i := range 600 {
		data, sent := people(i)
		r := providers.Request{Ref: fmt.Sprint(i), Subject: data}
		outs, err := set.Submit(t.Context(), "spectrumdata", []providers.Request{r})
		if err != nil || outs[0].Ticket == nil {
			t.Fatalf("got %+v, %v, want a ticket", outs, err)
		}
		if wait := outs[0].PollAfter.Sub(c.now()); wait != time.Second {
			t.Errorf("got a first poll suggested in %v, want a second", wait)
		}
		again, err := set.Submit(t.Context(), "spectrumdata", []providers.Request{r})
		if err != nil || again[0].Ticket == nil || again[0].Ticket.ID != outs[0].Ticket.ID {
			t.Fatalf("again: got %+v, %v, want the same report", again, err)
		}
		asks = append(asks, asking{r, sent, *outs[0].Ticket})
	}
	if got := len(server.Ledger()); got != len(asks) {
		t.Errorf("got %d reports charged, want %d", got, len(asks))
	}
	lost := 0
	for range 8 {
		c.advance(time.Second)
		var open []asking
		for _, a := range asks {
			got, err := set.Poll(t.Context(), "spectrumdata", a.ticket, []providers.Request{a.request})
			if err != nil {
				t.Fatal(err)
			}
			a.ticket = got.Ticket
			if len(got.Outcomes) == 0 {
				open = append(open, a)
				continue
			}
			if errors.Is(got.Outcomes[0].Err, providers.Missing) {
				lost++
				continue
			}
			if became, want := became(got.Outcomes[0]), wanted(server.OwnerAnswer(a.sent, 1)); became != want {
				t.Errorf("about %v: got %s, want %s", a.sent, became, want)
			}
		}
		asks = open
	}
	stuck := len(asks)
	if lost == 0 || stuck == 0 || lost > 30 || stuck > 30 {
		t.Errorf("got %d reports lost and %d that never end, want some of both", lost, stuck)
	}
}

// asking is a question on its way.
type asking struct {
	request providers.Request
	sent    map[string]string
	ticket  providers.Ticket
}

func became(o providers.Outcome) string {
	if e, ok := errors.AsType[*providers.Error](o.Err); ok {
		return e.Class.String() + " " + e.Code
	}
	return string(o.Record.Result)
}

// wanted is what became must say of an answer of the stand-in, which was given
// at noon.
func wanted(a sim.OwnerAnswer) string {
	const at = "2026-11-21T12:00:00.000Z"
	switch {
	case a.Owned != "":
		return fmt.Sprintf(`{"ownedStatus":%q,"created_at":%q,"updated_at":%q}`, a.Owned, at, at)
	case a.Source == "OK":
		return "not_found "
	default:
		return "provider_error source_" + a.Source
	}
}

// TestClocksThatDisagree: a token is made by the stand-in's clock after it has
// refused one, and the first poll is planned by ours.
func TestClocksThatDisagree(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-26 * time.Hour, -2 * time.Hour, 2 * time.Minute, 26 * time.Hour} {
		var c clock
		server, set := against(t, sim.Fast(), &c, ahead)
		data, _ := people(0)
		for range 3 {
			outs, err := set.Submit(t.Context(), "spectrumdata", []providers.Request{{Ref: "a", Subject: data}})
			if err != nil || outs[0].Ticket == nil {
				t.Fatalf("%v ahead: got %+v, %v, want a ticket", ahead, outs, err)
			}
			if c.advance(time.Second); outs[0].PollAfter.After(c.now().Add(ahead)) {
				t.Errorf("%v ahead: got a first poll at %v of our clock", ahead, outs[0].PollAfter)
			}
		}
		if n := server.Stats().Requests["make"]; n != 4 || len(server.Ledger()) != 1 {
			t.Errorf("%v ahead: got %d requests and %d charges, want one refused, three served and one charged", ahead, n, len(server.Ledger()))
		}
	}
}

// TestRetriesAgainstStandIn: a report that failed is made again, in its place.
func TestRetriesAgainstStandIn(t *testing.T) {
	t.Parallel()
	var c clock
	opts := sim.Fast()
	opts.Answers = sim.Answers{Found: 50, Errored: 50}
	server, set := against(t, opts, &c, 0)
	retried := 0
	for i := range 40 {
		data, sent := people(i)
		r := providers.Request{Ref: "a", Subject: data}
		for round := 1; round <= 2; round++ {
			outs, err := set.Submit(t.Context(), "spectrumdata", []providers.Request{r})
			if err != nil || outs[0].Ticket == nil {
				t.Fatalf("got %+v, %v, want a ticket", outs, err)
			}
			got, err := set.Poll(t.Context(), "spectrumdata", *outs[0].Ticket, []providers.Request{r})
			if err != nil || len(got.Outcomes) != 1 {
				t.Fatalf("got %+v, %v, want it finished", got, err)
			}
			if became, want := became(got.Outcomes[0]), wanted(server.OwnerAnswer(sent, round)); became != want {
				t.Errorf("round %d about %v: got %s, want %s", round, sent, became, want)
			}
			if got.Outcomes[0].Err == nil {
				break
			}
			r.Prior = outs[0].Ticket
			retried++
		}
	}
	if n := server.Stats().Requests["refresh"]; n == 0 || n > retried {
		t.Errorf("got %d refreshes of %d failures", n, retried)
	}
}

// TestQuotasAgainstStandIn: a quota that is used up is told by its words and
// confirmed by the balance.
func TestQuotasAgainstStandIn(t *testing.T) {
	t.Parallel()
	for want, account := range map[providers.Class]sim.Account{
		providers.OutOfCredit:  {Credit: 1},
		providers.DailyLimited: {Credit: sim.Unlimited, Endpoints: map[string]sim.Limits{"make": {Daily: 1}}},
	} {
		var c clock
		account.Provider, account.Name, account.Token = "spectrumdata", "one", sim.DefaultToken
		_, set := against(t, sim.Options{Accounts: []sim.Account{account}}, &c, 0)
		for i := range 2 {
			data, _ := people(i * 3)
			outs, err := set.Submit(t.Context(), "spectrumdata", []providers.Request{{Ref: "a", Subject: data}})
			if err != nil || i == 0 && outs[0].Ticket == nil || i == 1 && !errors.Is(outs[0].Err, want) {
				t.Errorf("request %d: got %+v, %v, want a ticket, then %v", i+1, outs, err, want)
			}
		}
	}
}
