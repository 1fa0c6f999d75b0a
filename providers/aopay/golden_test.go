package aopay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/aopay"
)

var update = flag.Bool("update", false, "write what is got to testdata")

// wantGolden compares got with the file of that name.
func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestRequestsAsSent(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]providers.Request{
		"request":          {Ref: "r0", Subject: providers.Subject{providers.Plate: "DL12CB4685"}},
		"request-operator": {Ref: "r0", Subject: providers.Subject{providers.Plate: "dl-12 cb 4685"}, Params: providers.Params{"operator": "42"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				sent, _ := io.ReadAll(r.Body)
				if r.ContentLength != int64(len(sent)) || len(r.TransferEncoding) > 0 {
					t.Errorf("got length %d, encoding %v, want %d", r.ContentLength, r.TransferEncoding, len(sent))
				}
				got = fmt.Sprintf("%s %s\nAuthorization: %s\nContent-Type: %s\nAccept: %s\n\n%s\n", r.Method, r.RequestURI,
					r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("Accept"), sent)
			}))
			defer srv.Close()
			ask(t, newProvider(t, config(srv.URL)), r)
			wantGolden(t, name+".request", got)
		})
	}
}

func TestUnusableRequestIsNotSent(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("got %s, want no request", r.Method)
	}))
	defer srv.Close()
	p := newProvider(t, config(srv.URL))
	if o := ask(t, p, request(" - ")); !errors.Is(o.Err, providers.InvalidInput) {
		t.Errorf("no plate: got %v, want invalid input", o.Err)
	}
	for _, operator := range []string{"abc", "0", "-1", "3.5", "0311", "+311", " 311", "1000000000", "99999999999999999999"} {
		r := request("DL12CB4685")
		r.Params["operator"] = operator
		if o := ask(t, p, r); !errors.Is(o.Err, providers.InvalidInput) {
			t.Errorf("operator %q: got %v, want invalid input", operator, o.Err)
		}
	}
}

// TestAnswers reads each answer of testdata and compares what we make of it
// with its golden file.
func TestAnswers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want answers in testdata", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			describe(t, &got, ask(t, newProvider(t, config(answering(t, 200, string(body)))), request("DL12CB4685")))
			wantGolden(t, name+".golden", got.String())
		})
	}
}

func describe(t *testing.T, w io.Writer, o providers.Outcome) {
	t.Helper()
	switch e, _ := errors.AsType[*providers.Error](o.Err); {
	case o.Record != nil:
		if !json.Valid(o.Record.Result) || !json.Valid(o.Record.Raw) {
			t.Errorf("got result %s, raw %s, want JSON", o.Record.Result, o.Record.Raw)
		}
		_, _ = fmt.Fprintf(w, "record %s\n", o.Record.Result)
	default:
		_, _ = fmt.Fprintf(w, "%v (%s)\n  scope %s, message %q, cause %v\n", e.Class, e.Code, e.Scope, e.Message, e.Err)
	}
}

// TestRawIsTheAnswer: it is kept as it came, but for the registration, found
// or not.
func TestRawIsTheAnswer(t *testing.T) {
	t.Parallel()
	found := "\ufeff " + strings.Replace(bill("DL12CB4685"), "Success.", "Success of "+registration, 1) + "\n"
	o := ask(t, newProvider(t, config(answering(t, 200, found))), request("DL12CB4685"))
	want := strings.Replace(strings.TrimSpace(strings.TrimPrefix(found, "\ufeff")), registration, "[secret]", 1)
	if o.Record == nil || string(o.Record.Raw) != want {
		t.Errorf("got %v, %v, want %s", o.Record, o.Err, want)
	}
	refused := refusal("response_code", 17, "No bill for "+registration)
	o = ask(t, newProvider(t, config(answering(t, 200, refused))), request("DL12CB4685"))
	e, _ := errors.AsType[*providers.Error](o.Err)
	if want := strings.Replace(refused, registration, "[secret]", 1); e == nil || string(e.Head) != want || e.Message != "No bill for [secret]" {
		t.Errorf("got %+v, want %s with its words", e, want)
	}
}

// TestRegistrationTooShortToLookFor: it could stand anywhere by chance.
func TestRegistrationTooShortToLookFor(t *testing.T) {
	t.Parallel()
	cfg := config(answering(t, 200, bill("DL12CB4685")))
	cfg.RegistrationID = "1"
	o := ask(t, newProvider(t, cfg), request("DL12CB4685"))
	if o.Record == nil || string(o.Record.Raw) != bill("DL12CB4685") {
		t.Errorf("got %v, %v, want the answer as it came", o.Record, o.Err)
	}
}

func TestTooManyRequestsIsBelieved(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	o := ask(t, newProvider(t, config(srv.URL)), request("DL12CB4685"))
	e, _ := errors.AsType[*providers.Error](o.Err)
	if e == nil || e.Class != providers.RateLimited || !e.Until.Equal(noon.Add(7*time.Second)) {
		t.Errorf("got %+v, want rate_limited for 7 s", e)
	}
}

func TestConfigFaultsAreNamed(t *testing.T) {
	t.Parallel()
	if err := config("").Validate(); err != nil {
		t.Errorf("the least there can be: got %v, want nil", err)
	}
	err := aopay.Config{BaseURL: "api.aopay.co.in", RegistrationID: " hidden", Operator: -1, Timeout: -1}.Validate()
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Fatalf("got %v, want faults without the registration", err)
	}
	for _, want := range []string{"BASE_URL: ", "REGISTRATION_ID: ", "OPERATOR: -1", "TIMEOUT: -1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if _, err := aopay.New(aopay.Config{}, aopay.Options{}); err == nil {
		t.Error("New without a registration: got nil, want an error")
	}
}

func TestSpecHoldsTheDefaultOperator(t *testing.T) {
	t.Parallel()
	cfg := config("")
	for _, want := range []string{"311", "42"} {
		s := newProvider(t, cfg).Spec()
		if len(s.Params) != 1 || s.Params[0].Name != "operator" || s.Params[0].Default != want {
			t.Errorf("got %+v, want the operator %s", s.Params, want)
		}
		if s.Repeatable(nil) || s.MaxBatch != 1 || s.Timeout != 30*time.Second || s.SubmitScope() != "aopay/fetch" {
			t.Errorf("got %+v, want paid single calls of 30 s", s)
		}
		cfg.Operator = 42
	}
}
