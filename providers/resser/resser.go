// Package resser asks Resser Sync what its robots have read about Mexican
// vehicles at the portals of authorities: fines, owner taxes and the like, one
// entry for each resource that was read.
//
// # Billing
//
// Submit reads what was processed before and starts no processing, so it is
// safe to repeat.
//
// # What an answer means
//
// A vehicle with a status in at least one entry is found, the entries without
// one listed beside it: there the resource was processed with errors, and
// their status is null. An entry without a finishedDateTime is still being
// processed, and shown as it stands. A vehicle none of whose entries has a
// status is ProviderError. One that is not in the answer is NotFound with the
// code not_processed: it was never processed, or VIN and plate do not belong
// together. That says nothing about fines.
//
// # Portal credentials
//
// Entries may hold the user name and password with which a portal was read.
// They are taken out of everything that leaves this package.
package resser

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/plateq/plateq/providers"
)

// Name is the provider's name in every contract.
const Name = "resser"

// opScraping is the one operation, as in the scopes of gates and limits.
const opScraping = "scraping"

// Provider is Resser Sync. It is safe for concurrent use.
type Provider struct {
	batchSize int
	timeout   time.Duration
	client    *client
	now       func() time.Time
}

// Options are what tests and stand-ins replace. The zero value is ready to use.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Dial replaces the dialler, for stand-ins in the same process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// New returns Resser as cfg describes it, or what Config.Validate returns.
// Nothing is sent.
func New(cfg Config, opts Options) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure resser: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	cfg = cfg.withDefaults()
	return &Provider{batchSize: cfg.BatchSize, timeout: cfg.Timeout, client: newClient(cfg, opts.Dial), now: opts.Now}, nil
}

// Spec returns what Resser can do.
func (p *Provider) Spec() providers.Spec {
	columns := []providers.Column{providers.VIN, providers.Plate}
	return providers.Spec{
		Name:       Name,
		Title:      "Resser Sync",
		Answers:    "what was read of a vehicle at portals of authorities: fines, taxes and the like",
		Countries:  []string{"MX"},
		Needs:      columns,
		Uses:       columns,
		Results:    resultFields(),
		MaxBatch:   p.batchSize,
		FreeRepeat: func(providers.Params) bool { return true },
		Repeats:    "yes: it reads what was processed before",
		Refusals:   map[string]string{codeRequest: "gets no list of vehicles: something on the way takes the body of the request away"},
		Limits:     "1 to 500 vehicles a call",
		Endpoints:  providers.Endpoints{Submit: opScraping},
		Timeout:    p.timeout,
	}
}

// Submit reads what was processed of the vehicles of reqs, in one request. A
// request whose VIN or plate the document does not allow is InvalidInput and
// is not sent, as it would make Resser refuse the others; vehicles that are
// equal are sent once and share their answer.
func (p *Provider) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	outs := make([]providers.Outcome, len(reqs))
	asked := make([]vehicle, len(reqs))
	var vehicles []vehicle
	known := make(map[vehicle]bool, len(reqs))
	for i, r := range reqs {
		outs[i].Ref = r.Ref
		v := vehicle{VIN: canonical(r.Subject[providers.VIN]), Plate: canonical(r.Subject[providers.Plate])}
		if outs[i].Err = v.check(); outs[i].Err != nil {
			continue
		}
		asked[i] = v
		if !known[v] {
			known[v] = true
			vehicles = append(vehicles, v)
		}
	}
	if len(vehicles) == 0 {
		return outs, nil
	}
	got, err := p.read(ctx, vehicles)
	if err != nil {
		return nil, err
	}
	for i := range outs {
		if outs[i].Err == nil {
			o := got.outcome(asked[i])
			outs[i].Record, outs[i].Err = o.Record, o.Err
		}
	}
	return outs, nil
}

func (p *Provider) read(ctx context.Context, vehicles []vehicle) (answer, error) {
	a, err := p.client.scraping(ctx, vehicles)
	if err != nil {
		return answer{}, err
	}
	got, ok := decode(a)
	if !ok {
		return answer{}, p.refusal(a)
	}
	return got, nil
}

// Check reads what was processed of a vehicle that nobody has. The error is
// not nil if Resser refuses the credentials, does not answer, answers in a
// form that is not its own, or did not see the list of vehicles.
func (p *Provider) Check(ctx context.Context) error {
	_, err := p.read(ctx, []vehicle{{VIN: "00000000000000000", Plate: "AAA0000"}})
	if errors.Is(err, providers.InvalidInput) {
		return nil // it looked at the vehicle
	}
	return err
}
