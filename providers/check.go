package providers

import (
	"context"
	"errors"
)

// ErrNoCheck says that a provider has no call that is harmless.
var ErrNoCheck = errors.New("the provider has no call that is free and harmless")

// Check makes the provider's cheapest harmless call, within its Timeout. An
// error is ErrNoCheck, an *UnknownError or an *Error.
func (s *Set) Check(ctx context.Context, name string) (err error) {
	p, err := s.get(name)
	if err != nil {
		return err
	}
	c, ok := p.Provider.(Checker)
	if !ok {
		return ErrNoCheck
	}
	spec := p.spec
	ctx, cancel := Within(ctx, spec.Timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = wrap(spec, opCheck, panicError(r, true))
		}
	}()
	if err := c.Check(ctx); err != nil {
		return wrap(spec, opCheck, err)
	}
	return nil
}

// opCheck names the harmless call in errors.
const opCheck = "check"
