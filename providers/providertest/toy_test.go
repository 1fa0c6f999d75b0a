package providertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/providertest"
)

// toy answers single look-ups at once and reads callbacks: what Attestr, on
// which the other rules are tried, does not do.
type toy struct {
	url    string
	client *providers.Client
}

const toySecret = "canary-toy"

func (p *toy) Spec() providers.Spec {
	return providers.Spec{
		Name: "toy", Title: "Toy", Answers: "a colour", Countries: []string{"NO"},
		Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate},
		Results: []string{"colour"}, MaxBatch: 1, Callback: true, Repeats: "yes", Timeout: time.Second,
		FreeRepeat: func(providers.Params) bool { return true },
		Endpoints:  providers.Endpoints{Submit: "ask"},
	}
}

func (p *toy) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return nil, &providers.Error{Class: providers.Poison, Err: errors.New("build request")}
	}
	answer, err := p.client.Do(req, "ask")
	if err != nil {
		return nil, err
	}
	var body struct {
		Code   int
		Words  string
		Colour *string
	}
	err = json.Unmarshal(answer.Body, &body)
	switch {
	case err == nil && body.Code == 1 && body.Colour != nil:
		record := &providers.Record{Result: fmt.Appendf(nil, `{"colour":%q}`, *body.Colour), Raw: answer.Body}
		return []providers.Outcome{{Ref: reqs[0].Ref, Record: record}}, nil
	case err == nil && body.Code == 2:
		return nil, &providers.Error{Class: providers.OutOfCredit, Code: "2", Message: providers.Masker(toySecret)(body.Words)}
	}
	return nil, answer.Foreign("toy", "ask", time.Now())
}

func (p *toy) ReadCallback(h http.Header, body []byte) ([]providers.Hint, error) {
	var said struct{ Event, ID string }
	switch err := json.Unmarshal(body, &said); {
	case h.Get("Authorization") != toySecret:
		return nil, &providers.Error{Class: providers.Unauthorised, Code: "no_proof"}
	case err != nil || said.Event == "":
		return nil, &providers.Error{Class: providers.InvalidInput, Code: "foreign"}
	case said.Event != "done":
		return nil, nil
	}
	return []providers.Hint{{Ticket: said.ID}}, nil
}

func toyHarness() providertest.Harness {
	h := http.Header{"Authorization": {toySecret}, "Content-Type": {"application/json"}}
	return providertest.Harness{
		New: func(_ testing.TB, baseURL string) providers.Provider {
			return &toy{url: baseURL, client: providers.NewClient(providers.ClientOptions{})}
		},
		Secrets:  []string{toySecret},
		Requests: []providers.Request{{Ref: "r", Subject: providers.Subject{providers.Plate: "EK12345"}}},
		Happy: func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprint(w, `{"code":1,"colour":"blå"}`)
			})
		},
		Want: map[string]providers.Class{"r": 0},
		Codes: []providertest.Code{
			{Name: "2", Status: 200, Body: `{"code":2,"words":"no money"}`, Class: providers.OutOfCredit, Code: "2"},
			{Name: "2 in other words", Status: 200, Body: `{"code":2,"words":["no",{"more":"money"}]}`, Class: providers.Ambiguous},
		},
		Callbacks: []providertest.Callback{
			{Name: "done", Header: h, Body: `{"event":"done","id":"t1"}`, Want: []providers.Hint{{Ticket: "t1"}}},
			{Name: "other", Header: h, Body: `{"event":"other"}`},
			{Name: "forged", Header: http.Header{"Authorization": {strings.ToUpper(toySecret)}}, Body: `{"event":"done","id":"t1"}`, Forged: true},
		},
	}
}

func TestToy(t *testing.T) {
	t.Parallel()
	providertest.Run(t, toyHarness())
}

func TestRulesNotice(t *testing.T) {
	t.Parallel()
	providertest.RunMutants(t, toyHarness())
}
