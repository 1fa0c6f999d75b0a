// Package aopay asks AOPay for the bill behind an Indian plate: what is to be
// paid into its FASTag, and in whose name it is.
//
// # Billing
//
// Whether a fetch is charged is not documented, so that Submit counts as a
// paid call: it is never safe to repeat, and every answer outside AOPay's own
// envelope is Ambiguous.
//
// # Money that is not ours to move
//
// AOPay's other calls recharge and pay. This package knows one path,
// FetchConsumerDetails, and can be told no other.
//
// # What an answer means
//
// response_code 1 with status true is found. 10 says that a signature was
// refused, AOPay's own or ours: Unauthorised. Nothing else is documented: any
// other answer in AOPay's envelope is ProviderError, in its own words.
package aopay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/plateq/plateq/providers"
)

// Name is the provider's name in every contract.
const Name = "aopay"

// opFetch is the one operation, as in the scopes of gates and limits.
const opFetch = "fetch"

// paramOperator is the parameter that says who issued the FASTag.
const paramOperator = "operator"

// Provider is AOPay. It is safe for concurrent use.
type Provider struct {
	operator string
	timeout  time.Duration
	client   *client
	now      func() time.Time
}

// Options are what tests and stand-ins replace. The zero value is ready to use.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Dial replaces the dialler, for stand-ins in the same process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// New returns AOPay as cfg describes it, or what Config.Validate returns.
// Nothing is sent.
func New(cfg Config, opts Options) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure aopay: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	cfg = cfg.withDefaults()
	c, err := newClient(cfg, opts.Dial)
	if err != nil {
		return nil, fmt.Errorf("configure aopay: %w", err)
	}
	return &Provider{operator: strconv.Itoa(cfg.Operator), timeout: cfg.Timeout, client: c, now: opts.Now}, nil
}

// Spec returns what AOPay can do.
func (p *Provider) Spec() providers.Spec {
	return providers.Spec{
		Name:      Name,
		Title:     "AOPay FetchConsumerDetails",
		Answers:   "FASTag bill and the name it is in",
		Countries: []string{"IN"},
		Needs:     []providers.Column{providers.Plate},
		Uses:      []providers.Column{providers.Plate},
		Params: []providers.Param{{Name: paramOperator, Default: p.operator, Required: true,
			Usage: "number of the service provider, for a FASTag its bank"}},
		Results:   resultFields(),
		MaxBatch:  1,
		Repeats:   "no",
		Service:   p.service,
		Endpoints: providers.Endpoints{Submit: opFetch},
		Timeout:   p.timeout,
	}
}

// service is the operator: each is a bank's own service behind AOPay's.
func (p *Provider) service(_ providers.Subject, params providers.Params) string {
	n, ok := readOperator(cmp.Or(params[paramOperator], p.operator))
	if !ok {
		return ""
	}
	return strconv.Itoa(n)
}

// Submit fetches the bill of one plate. A request without a plate, or whose
// operator is no number, is InvalidInput and is not sent.
func (p *Provider) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	if len(reqs) != 1 {
		return nil, &providers.Error{Provider: Name, Op: opFetch, Class: providers.Poison, Code: "not_one",
			Err: errors.New("a fetch is about one plate")}
	}
	q, err := p.question(reqs[0])
	if err != nil {
		return nil, err
	}
	a, err := p.client.fetch(ctx, q)
	if err != nil {
		return nil, err
	}
	out := p.outcome(a)
	out.Ref = reqs[0].Ref
	return []providers.Outcome{out}, nil
}

func (p *Provider) question(r providers.Request) (question, error) {
	plate := canonical(r.Subject[providers.Plate])
	n, ok := readOperator(cmp.Or(r.Params[paramOperator], p.operator))
	switch {
	case plate == "":
		return question{}, invalid("no_plate", "the request has no plate")
	case !ok:
		return question{}, invalid("operator", "the operator is no number such as 311")
	}
	return question{operator: n, plate: plate}, nil
}

func invalid(code, why string) error {
	return &providers.Error{Provider: Name, Op: opFetch, Class: providers.InvalidInput, Code: code, Err: errors.New(why)}
}
