// Package regnum asks Bovsoft's REGNUM service which car carries a plate: one
// plate a call, answered at once, with the numbers that TecDoc catalogues use.
//
// # Billing
//
// A plate is charged when the service decodes it for the first time for this
// client; asking again changes no counter. Every call may therefore be
// repeated free of charge, and an Ambiguous one is simply asked again.
//
// # Servers
//
// The service runs on several servers that all take the same request. They are
// asked in the order in which they are configured. One that nothing could be
// sent to, that says it is out of service, or that does not have the service
// at all has processed nothing: the next one is asked within the same Submit,
// under the same deadline. Any other failure ends the Submit, and its server
// stands behind the others for a while, so that a repeat finds another one.
//
// # What an answer means
//
// The verdict is the status in the body, whatever the HTTP status. 200 with
// cars is found, 200 without any and 404 are NotFound. Without a body in the
// documented form the HTTP status is read alike where it can be, but for 404,
// which is then a wrong path and stops everything: never NotFound.
package regnum

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/plateq/plateq/providers"
)

// Name is the provider's name in every contract.
const Name = "regnum"

// opLookup is the only operation, as in the scopes of gates and limits.
const opLookup = "lookup"

// lookupScope is what an error is about that concerns the operation alone.
const lookupScope = Name + "/" + opLookup

// paramNameservice chooses the country's service.
const paramNameservice = "nameservice"

// Provider is the REGNUM service. It is safe for concurrent use.
type Provider struct {
	cfg     Config // without its secrets
	client  *client
	servers *servers
	now     func() time.Time
}

// Options are what tests and stand-ins replace. The zero value is ready to use.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Dial replaces the dialler, for stand-ins in the same process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// New returns the service as cfg describes it, or what Config.Validate
// returns. Nothing is sent.
func New(cfg Config, opts Options) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure regnum: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	cfg = cfg.withDefaults()
	c := newClient(cfg, opts.Dial)
	cfg.ID, cfg.Seccode = "", ""
	return &Provider{cfg: cfg, client: c, servers: newServers(cfg.URLs, opts.Now), now: opts.Now}, nil
}

// Spec returns what the service can do.
func (p *Provider) Spec() providers.Spec {
	return providers.Spec{
		Name:      Name,
		Title:     "Bovsoft REGNUM",
		Answers:   "the car and its TecDoc numbers",
		Countries: []string{"FI", "FR", "NO"},
		Needs:     []providers.Column{providers.Plate},
		Uses:      []providers.Column{providers.Plate},
		Params: []providers.Param{{
			Name: paramNameservice, Usage: "the country's service, as the control panel names it",
			Default: p.cfg.Nameservice, Required: true,
		}},
		Results:    resultNames(),
		MaxBatch:   1,
		FreeRepeat: func(providers.Params) bool { return true },
		Repeats:    "yes: a plate is charged when it is first decoded",
		Charges:    providers.Charges{NotFoundFree: true, FailedFree: true, FirstFound: true},
		Refusals:   map[string]string{wrongPath: "is not at this path"},
		Service:    func(_ providers.Subject, params providers.Params) string { return p.nameservice(params) },
		// The document's third kind of request. An answer does not tell it.
		CountsFirstFound: "calculated",
		Endpoints:        providers.Endpoints{Submit: opLookup},
		Timeout:          p.cfg.Timeout,
	}
}

// nameservice is the country's service that a question is for.
func (p *Provider) nameservice(params providers.Params) string {
	return cmp.Or(params[paramNameservice], p.cfg.Nameservice)
}

// Submit asks about the plate of the one request. Without a plate or a
// nameservice it is InvalidInput and nothing is sent.
func (p *Provider) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	outs := make([]providers.Outcome, len(reqs))
	for i, r := range reqs {
		outs[i] = p.lookup(ctx, r)
		outs[i].Ref = r.Ref
	}
	return outs, nil
}

func (p *Provider) lookup(ctx context.Context, r providers.Request) providers.Outcome {
	q := question{regnum: canonical(r.Subject[providers.Plate]), nameservice: p.nameservice(r.Params)}
	switch {
	case q.regnum == "":
		return providers.Outcome{Err: unusable("no_plate", "the request has no plate")}
	case q.nameservice == "":
		return providers.Outcome{Err: unusable("no_nameservice", "the request names no nameservice")}
	}
	got, err := p.ask(ctx, q)
	if err != nil {
		return providers.Outcome{Err: err, Readings: got.readings()}
	}
	return providers.Outcome{Record: &providers.Record{Result: got.result(), Raw: got.raw}, Readings: got.readings()}
}

func unusable(code, why string) *providers.Error {
	return &providers.Error{Provider: Name, Op: opLookup, Class: providers.InvalidInput, Code: code, Err: errors.New(why)}
}

// ask asks one server after the other until one has something to say. An
// outage of one counts more than a wrong path of another: it ends by itself.
func (p *Provider) ask(ctx context.Context, q question) (answer, *providers.Error) {
	ctx, cancel := providers.Within(ctx, p.cfg.Timeout)
	defer cancel()
	var last *providers.Error
	for _, i := range p.servers.order() {
		got, err := p.askOne(ctx, p.cfg.URLs[i], q)
		p.servers.learn(i, err)
		if ctx.Err() != nil || !elsewhere(err) {
			return got, err
		}
		if last == nil || err.Class == providers.Unavailable {
			last = err
		}
	}
	return answer{}, last
}

// askOne makes one exchange with one server. The answer is kept beside the
// error where there is one.
func (p *Provider) askOne(ctx context.Context, server string, q question) (answer, *providers.Error) {
	a, err := p.client.get(ctx, server, q)
	if err != nil {
		return answer{}, asError(err)
	}
	got, ok := decode(a.Body)
	if !ok {
		return answer{}, p.foreign(a)
	}
	got.raw = p.client.raw(a.Body)
	return got, p.judge(got, a)
}

// Check asks every server about an empty plate: nothing can be decoded of it,
// and only what is decoded is charged. The error is that of the first server
// that refuses the account, is out of service or does not answer as documented.
func (p *Provider) Check(ctx context.Context) error {
	for i, server := range p.cfg.URLs {
		if e := p.checkOne(ctx, server); e != nil {
			e.Err = errors.Join(fmt.Errorf("server %d of %d", i+1, len(p.cfg.URLs)), e.Err)
			return e
		}
	}
	return nil
}

func (p *Provider) checkOne(ctx context.Context, server string) *providers.Error {
	ctx, cancel := providers.Within(ctx, p.cfg.Timeout)
	defer cancel()
	_, err := p.askOne(ctx, server, question{nameservice: p.cfg.Nameservice})
	if err == nil {
		return nil
	}
	switch err.Class {
	case providers.NotFound, providers.ProviderError, providers.RateLimited:
		return nil // it knows the account and minds only the question
	default:
		return err
	}
}
