package providers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
)

type counted struct {
	single
	balance func(context.Context) ([]providers.Balance, error)
}

func (p *counted) Balance(ctx context.Context) ([]providers.Balance, error) { return p.balance(ctx) }

func TestBalance(t *testing.T) {
	t.Parallel()
	left := []providers.Balance{{Name: "day", Left: "42", Unit: "reports"}}
	for name, tc := range map[string]struct {
		balance func(context.Context) ([]providers.Balance, error)
		want    []providers.Balance
		class   providers.Class
	}{
		"as it is said": {func(context.Context) ([]providers.Balance, error) { return left, nil }, left, 0},
		"refused": {func(context.Context) ([]providers.Balance, error) {
			return left, &providers.Error{Class: providers.Unauthorised}
		}, nil, providers.Unauthorised},
		"unjudged": {func(context.Context) ([]providers.Balance, error) { return nil, errors.New("no") }, nil, providers.Ambiguous},
		"panic":    {func(context.Context) ([]providers.Balance, error) { panic("at plate DL01") }, nil, providers.Ambiguous},
		"too slow": {func(ctx context.Context) ([]providers.Balance, error) {
			<-ctx.Done()
			return nil, &providers.Error{Class: providers.Unavailable, Err: context.Cause(ctx)}
		}, nil, providers.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSet(t, &counted{single{spec: spec(func(s *providers.Spec) { s.Timeout = 10 * time.Millisecond })}, tc.balance})
			got, err := s.Balance(t.Context(), "fake")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("balance (-want +got):\n%s", diff)
			}
			e, _ := errors.AsType[*providers.Error](err)
			if tc.class == 0 && err != nil || tc.class != 0 && (e == nil || e.Class != tc.class || e.Provider != "fake" || e.Op != "balance") {
				t.Errorf("got %v, want %v", err, tc.class)
			}
		})
	}
	s := newSet(t, &single{spec: spec(nil)})
	if _, err := s.Balance(t.Context(), "fake"); !errors.Is(err, providers.ErrNoBalance) {
		t.Errorf("got %v, want ErrNoBalance", err)
	}
	_, err := s.Balance(t.Context(), "other")
	if _, ok := errors.AsType[*providers.UnknownError](err); !ok {
		t.Errorf("got %v, want an unknown provider", err)
	}
}
