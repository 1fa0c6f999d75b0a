package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// Taker takes lists in that come by another way than HTTP, as POST /v1/batches
// does. It is safe for concurrent use.
type Taker struct{ s *server }

// NewTaker returns a Taker over what o serves.
func NewTaker(o Options) *Taker { return &Taker{newServer(o)} }

// Take takes in the list that body, which is one of POST /v1/batches, holds for
// a tenant: once under an id of the sender, however often it comes. A *Problem:
// it is refused whenever it comes. Any other error: nothing was changed.
func (t *Taker) Take(ctx context.Context, tenant, id string, body []byte) (store.Batch, error) {
	key := store.APIKey{Tenant: tenant, Scopes: []store.Scope{store.ScopeSubmit}}
	b, err := t.take(context.WithValue(ctx, callerKey{}, &key), id, body)
	if e, repeat := errors.AsType[*store.RepeatError](err); repeat && e.Same {
		return e.Batch, nil
	}
	if err == nil {
		t.s.Wake()
		return b, nil
	}
	_, repeat := errors.AsType[*store.RepeatError](err)
	switch p, internal := problemOf(err); {
	case repeat:
		return store.Batch{}, problem(http.StatusConflict, "key_reused", "another list came under this id")
	case !internal && p.Status/100 == 4 && p.Status != statusGone:
		return store.Batch{}, p
	}
	return store.Batch{}, err
}

func (t *Taker) take(ctx context.Context, id string, body []byte) (store.Batch, error) {
	sub, err := readSubmission(bytes.NewReader(body))
	if err != nil {
		return store.Batch{}, err
	}
	l := list{
		envelope: sub.envelope, rows: sub, from: intake.Options{Format: intake.JSONL, Set: sub.Params, Items: true},
		once: &once{key: "order\x00" + id, sum: sha256.New()}, rest: http.NoBody,
	}
	_, _ = l.once.sum.Write(body) // a hash takes everything
	if err := badFields(http.StatusUnprocessableEntity, "bad_envelope", l.check(sub.faults, t.s.Purposes)); err != nil {
		return store.Batch{}, err
	}
	return t.s.accept(ctx, l)
}
