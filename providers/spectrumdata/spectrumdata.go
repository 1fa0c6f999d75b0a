// Package spectrumdata asks SpectrumData whether a person or company owns a
// vehicle: report A.0076.CAR.ACT-ALL of its B2B API, made on request and
// finished seconds later.
//
// # Billing
//
// A report is unique by its type and what it is about: asking again gives back
// the last one, and by all that is known costs nothing. So a Submit may be
// repeated, unless it forces a new report (the parameter force) or works on a
// failed one again (Request.Prior). Everything else is free. SpectrumData's
// idempotenceKey is not sent: what it would be good for is given already, and
// a key that came up twice would bring somebody else's report.
//
// Submit makes one request that can cost something. It makes a second request
// where the first is proven not to have been accepted: with a new token after
// SpectrumData found the old one's time wrong, or a new report where the one
// to be worked on again is gone. After an error that speaks of a quota it
// reads the balance.
//
// # What an answer means
//
// The verdict is the envelope and its event's type, never the HTTP status. A
// report is finished when no source of it is under way. Any ownedStatus is
// found, UNKNOWN too. Without one, a source that is OK makes NotFound, one
// that is in ERROR or was skipped makes ProviderError.
package spectrumdata

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/plateq/plateq/providers"
)

// Name is the provider's name in every contract.
const Name = "spectrumdata"

// The operations, as in the scopes of gates and limits. Those after opReport
// are part of a make or asked for by people.
const (
	opMake    = "make"
	opReport  = "report"
	opRefresh = "refresh"
	opBalance = "balance"
	opUser    = "user"
)

// Half of all reports are there after two seconds, nineteen of twenty after
// five.
const (
	firstPoll = 2 * time.Second
	steadyFor = 7 * time.Second
)

// Provider is SpectrumData. It is safe for concurrent use.
type Provider struct {
	cfg    Config // without its secrets
	spec   providers.Spec
	client *client
	quota  func(string) bool // whether a text speaks of a quota
	now    func() time.Time
}

// Options are what tests and stand-ins replace. The zero value is ready to use.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Dial replaces the dialler, for stand-ins in the same process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// New returns SpectrumData as cfg describes it, or what Config.Validate
// returns. Nothing is sent.
func New(cfg Config, opts Options) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure spectrumdata: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	cfg = cfg.withDefaults()
	pattern, err := cfg.quotaPattern()
	if err != nil {
		return nil, fmt.Errorf("configure spectrumdata: %w", err)
	}
	c := newClient(cfg, opts)
	cfg.Password = ""
	return &Provider{cfg: cfg, spec: newSpec(cfg), client: c, quota: pattern.MatchString, now: opts.Now}, nil
}

// Spec returns what SpectrumData can do with the report types there are.
func (p *Provider) Spec() providers.Spec { return p.spec }

func newSpec(cfg Config) providers.Spec {
	vehicle := vehicleChoice(cfg)
	s := providers.Spec{
		Name:      Name,
		Title:     "SpectrumData A.0076.CAR.ACT-ALL",
		Answers:   "whether a person or company owns the vehicle",
		Countries: []string{"RU"},
		Choices:   []providers.Choice{vehicle, ownerChoice()},
		Params: []providers.Param{{
			Name: paramForce, Usage: "true: have the report made anew where there is one already, which may cost again",
		}},
		Results:       []string{"ownedStatus", "created_at", "updated_at"},
		MaxBatch:      1,
		Pending:       true,
		FreeRepeat:    func(params providers.Params) bool { return params[paramForce] == "" || params[paramForce] == "false" },
		Charges:       providers.Charges{FailedFree: true}, // of a make: a report that is made was accepted
		Repeats:       "yes: the last report on the same comes back, unless a new one is forced",
		Limits:        "quotas of a day, a month and in all",
		Endpoints:     providers.Endpoints{Submit: opMake, Poll: opReport},
		Timeout:       cfg.Timeout,
		SharedTickets: true,
		FirstPoll:     firstPoll,
		SteadyFor:     steadyFor,
		Refusals:      map[string]string{typeNoSuchObject: "has no report of this type"},
		Service:       func(s providers.Subject, _ providers.Params) string { return cfg.reportType(s) },
	}
	for _, c := range s.Choices {
		for _, w := range c.Ways {
			s.Uses = append(append(s.Uses, w.Needs...), w.May...)
		}
	}
	return s
}

// Submit has the report on one request made and returns its ticket, or works
// on that of Request.Prior again.
func (p *Provider) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	if len(reqs) != 1 {
		return nil, p.unfit(opMake, "not_single", fmt.Errorf("got %d requests, a report is about one", len(reqs)))
	}
	r := reqs[0]
	q, err := p.question(r)
	if err != nil {
		return nil, err
	}
	m, err := p.start(ctx, q, r.Prior)
	if err != nil {
		return nil, err
	}
	return []providers.Outcome{{
		Ref: r.Ref, Ticket: &providers.Ticket{ID: m.uid}, PollAfter: m.suggested(p.now()),
	}}, nil
}

// start returns the report that answers q. A prior one that is gone was not
// worked on, so that a new one can be asked for.
func (p *Provider) start(ctx context.Context, q question, prior *providers.Ticket) (made, error) {
	if prior != nil && usableUID(prior.ID) {
		a, err := p.client.refresh(ctx, prior.ID)
		if err != nil {
			return made{}, err
		}
		if m, ok := decodeMade(a); ok {
			return m, nil
		}
		if e, ok := decodeEvent(a.Body); !ok || !e.lost(entityReport) {
			return made{}, p.refusal(a, opRefresh)
		}
	}
	a, err := p.client.make(ctx, q)
	if err != nil {
		return made{}, err
	}
	if m, ok := decodeMade(a); ok {
		return m, nil
	}
	return made{}, p.confirmed(ctx, q.kind, p.refusedType(q.kind, p.refusal(a, opMake)))
}

// Poll reads the report of t as it stands. Notices are "foreign_record" (the
// report that came is another), "foreign_subject" (the one that a person named
// is about something else), "unknown_state" (of a source, taken as under way)
// and "unknown_status" (an ownedStatus that the document does not name).
//
// A report that is not there is waited for, as it may have been asked for too
// soon after it was made; then it is Missing, once.
func (p *Provider) Poll(ctx context.Context, t providers.Ticket, open []providers.Request) (providers.Progress, error) {
	if !usableUID(t.ID) {
		return providers.Progress{}, p.unfit(opReport, "no_ticket", errors.New("the ticket has no usable uid"))
	}
	a, err := p.client.report(ctx, t.ID)
	if err != nil {
		return providers.Progress{}, err
	}
	found, ok := decodeReports(a)
	if !ok {
		return providers.Progress{}, p.refusal(a, opReport)
	}
	if got, ok := p.disowned(t, found, open); ok {
		return got, nil
	}
	return progress(t, found, open), nil
}

// Check reads the account that the credentials are of. The error is not nil if
// SpectrumData refuses them, does not answer, or answers in a form that is not
// its own.
func (p *Provider) Check(ctx context.Context) error {
	a, err := p.client.user(ctx)
	if err != nil {
		return err
	}
	if _, ok := decodeList(a); !ok {
		return p.refusal(a, opUser)
	}
	return nil
}

// unfit is a request of ours that cannot be sent.
func (p *Provider) unfit(op, code string, cause error) *providers.Error {
	return &providers.Error{Provider: Name, Op: op, Class: providers.InvalidInput, Code: code, Err: cause}
}

// scope is that of everything that can cost something, or of polls.
func scope(op string) string {
	if op == opReport {
		return Name + "/" + opReport
	}
	return Name + "/" + opMake
}
