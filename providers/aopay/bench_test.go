package aopay

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/plateq/plateq/providers"
)

// BenchmarkOutcome makes a record of the documented answer.
func BenchmarkOutcome(b *testing.B) {
	body, err := os.ReadFile("testdata/documented.json")
	if err != nil {
		b.Fatal(err)
	}
	p, err := New(Config{RegistrationID: "AOP-bench"}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	a := &providers.Answer{Status: http.StatusOK, Body: body}
	b.ReportAllocs()
	for b.Loop() {
		if o := p.outcome(a); o.Record == nil {
			b.Fatal(o.Err)
		}
	}
}

// BenchmarkSubmit asks a server in the same process, which is counted too.
func BenchmarkSubmit(b *testing.B) {
	body, err := os.ReadFile("testdata/documented.json")
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(body)
	}))
	defer srv.Close()
	p, err := New(Config{RegistrationID: "AOP-bench", BaseURL: srv.URL}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	ask := []providers.Request{{Ref: "r0", Subject: providers.Subject{providers.Plate: "DL12CB4685"}, Params: providers.Params{paramOperator: "311"}}}
	b.ReportAllocs()
	for b.Loop() {
		if outs, err := p.Submit(context.Background(), ask); err != nil || outs[0].Record == nil {
			b.Fatal(outs, err)
		}
	}
}
