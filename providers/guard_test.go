package providers_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/plateq/plateq/providers"
)

// panicking returns a provider that panics, after an exchange if send is set.
func panicking(client *providers.Client, to string, send bool) *batch {
	fall := func(ctx context.Context) error {
		if send {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, http.NoBody)
			if err != nil {
				return err
			}
			if _, err := client.Do(req, "submit"); err != nil {
				return err
			}
		}
		panic("fell over " + plate)
	}
	return &batch{
		single: single{spec: spec(pending), submit: func(ctx context.Context, _ []providers.Request) ([]providers.Outcome, error) {
			return nil, fall(ctx)
		}},
		poll: func(ctx context.Context, _ providers.Ticket, _ []providers.Request) (providers.Progress, error) {
			return providers.Progress{}, fall(ctx)
		},
	}
}

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	client := providers.NewClient(providers.ClientOptions{})
	for send, want := range map[bool]providers.Class{false: providers.Poison, true: providers.Ambiguous} {
		s := newSet(t, panicking(client, srv.URL, send))
		outs, err := s.Submit(t.Context(), "fake", requests("a", "b"))
		if err != nil || len(outs) != 2 {
			t.Fatalf("got %v, %v, want two outcomes", outs, err)
		}
		for _, o := range outs {
			wantError(t, o.Err, want, "panic")
		}
		_, err = s.Poll(t.Context(), "fake", providers.Ticket{}, requests("a"))
		wantError(t, err, providers.Ambiguous, "panic")
	}
}

func TestPanicOnAKeptConnectionIsSeen(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	client := providers.NewClient(providers.ClientOptions{Free: true})
	s := newSet(t, panicking(client, srv.URL, true))
	for range 2 { // the second finds the connection of the first
		outs, err := s.Submit(t.Context(), "fake", requests("a"))
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, outs[0].Err, providers.Ambiguous, "panic")
	}
}
