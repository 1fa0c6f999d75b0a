package aopay_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/aopay"
)

// registration is a canary: it may turn up in no error.
const registration = "AOP-canary-554"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func config(baseURL string) aopay.Config {
	return aopay.Config{BaseURL: baseURL, RegistrationID: registration}
}

func newProvider(t testing.TB, cfg aopay.Config) *aopay.Provider {
	t.Helper()
	p, err := aopay.New(cfg, aopay.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask submits one request through a set.
func ask(t testing.TB, p providers.Provider, r providers.Request) providers.Outcome {
	t.Helper()
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	outs, err := set.Submit(t.Context(), aopay.Name, []providers.Request{r})
	if err != nil {
		t.Fatal(err)
	}
	return outs[0]
}

func request(plate string) providers.Request {
	return providers.Request{Ref: "r0", Subject: providers.Subject{providers.Plate: plate}, Params: providers.Params{"operator": "311"}}
}

// answering returns the URL of a server that gives one answer to all.
func answering(t testing.TB, status int, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// upstream is a small well-behaved AOPay.
func upstream(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Operator       int    `json:"operator"`
		CANumber       string `json:"canumber"`
		RegistrationID string
	}
	switch err := json.NewDecoder(r.Body).Decode(&q); {
	case err != nil || r.URL.Path != "/api/AOP/FetchConsumerDetails" || r.Method != http.MethodPost:
		w.WriteHeader(http.StatusNotFound)
	case q.RegistrationID != registration:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, refusal("response_code", 10, "Signature verification failed"))
	default:
		_, _ = io.WriteString(w, bill(q.CANumber))
	}
}

// bill is the answer of the document, its values invented.
func bill(plate string) string {
	return strings.ReplaceAll(`{"response_code":1,"status":true,"amount":"500.0","name":"ASHA  DEVI RAO","duedate":"2026-01-31",
"bill_fetch":{"billAmount":"500.0","billnetamount":"500.0","dueDate":"2026-01-31","maxBillAmount":"1000","acceptPayment":true,
"acceptPartPay":true,"cellNumber":"PLATE","userName":"ASHA  DEVI RAO"},"message":"Bill Fetched Success."}`, "PLATE", plate)
}

func refusal(key string, code int, message string) string {
	return fmt.Sprintf(`{"status":false,%q:%d,"message":%q}`, key, code, message)
}
