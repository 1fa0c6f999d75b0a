package providers

import (
	"context"
	"errors"
)

// ErrNoBalance says that a provider tells nothing of credit and quotas.
var ErrNoBalance = errors.New("the provider tells nothing of credit")

// Balance asks what the provider says of credit and quotas, within its
// Timeout. An error is ErrNoBalance, an *UnknownError or an *Error.
func (s *Set) Balance(ctx context.Context, name string) (all []Balance, err error) {
	p, err := s.get(name)
	if err != nil {
		return nil, err
	}
	b, ok := p.Provider.(Balancer)
	if !ok {
		return nil, ErrNoBalance
	}
	spec := p.spec
	ctx, cancel := Within(ctx, spec.Timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			all, err = nil, wrap(spec, opBalance, panicError(r, true))
		}
	}()
	if all, err = b.Balance(ctx); err != nil {
		return nil, wrap(spec, opBalance, err)
	}
	return all, nil
}

// opBalance names the asking for credit in errors.
const opBalance = "balance"
