// Package attestr asks Attestr for the mobile number of an Indian vehicle's
// owner: batches of RC_MOBILE look-ups that Attestr finishes later.
//
// # Billing
//
// Submit is the paid call and is never safe to repeat: every answer outside
// Attestr's own envelope is Ambiguous. Poll and Check are free.
//
// # What an answer means
//
// A record that is COMPLETED with output.valid true is found, contact or not;
// with output.status NOT_FOUND it is NotFound; with any other status, or with
// no output at all, it is ProviderError, as is one that is ERRORED. INITIATED
// and every status that the document does not name are pending. The verdict on
// a call as a whole is the code in the body, never the HTTP status.
package attestr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/plateq/plateq/providers"
)

// Name is the provider's name in every contract.
const Name = "attestr"

// The operations, as in the scopes of gates and limits.
const (
	opSubmit = "submit"
	opItems  = "items"
)

// Provider is Attestr. It is safe for concurrent use.
type Provider struct {
	cfg    Config // without its secrets
	client *client
	proof  proof
	now    func() time.Time
}

// Options are what tests and stand-ins replace. The zero value is ready to use.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Dial replaces the dialler, for stand-ins in the same process.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// New returns Attestr as cfg describes it, or what Config.Validate returns.
// Nothing is sent.
func New(cfg Config, opts Options) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure attestr: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	cfg = cfg.withDefaults()
	c, proof := newClient(cfg, opts.Dial), newProof(cfg)
	cfg.AuthToken, cfg.ClientSecret, cfg.WebhookToken = "", "", ""
	return &Provider{cfg: cfg, client: c, proof: proof, now: opts.Now}, nil
}

// Spec returns what Attestr can do.
func (p *Provider) Spec() providers.Spec {
	return providers.Spec{
		Name:      Name,
		Title:     "Attestr RC_MOBILE",
		Answers:   "owner's mobile number",
		Countries: []string{"IN"},
		Needs:     []providers.Column{providers.Plate},
		Uses:      []providers.Column{providers.Plate},
		Results:   []string{"valid", "status", "contact"},
		MaxBatch:  p.cfg.BatchSize,
		Pending:   true,
		Parts:     true,
		Callback:  true,
		Repeats:   "no",
		Charges:   providers.Charges{FailedFree: true}, // of a submit: what is in a batch was accepted
		Refusals: map[string]string{
			"4035":  "is not provisioned for this account",
			"4039":  "does not know the address that calls come from",
			"40015": "lacks consent for this account",
			"40051": "does not support this version of its API",
			"40398": "does not accept this account's consent",
			"40399": "lacks consent for this account",
		},
		Limits:    "per second and per day, for the account and for each API; the figures are set per account",
		Endpoints: providers.Endpoints{Submit: opSubmit, Poll: opItems},
		Timeout:   p.cfg.Timeout,
	}
}

// Submit sends the plates of reqs as one batch. Each gets the same ticket. A
// request without a plate is InvalidInput and is not sent; equal plates are
// sent once and share their answer.
func (p *Provider) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	plates := make([]string, 0, len(reqs))
	known := make(map[string]bool, len(reqs))
	outs := make([]providers.Outcome, len(reqs))
	for i, r := range reqs {
		outs[i].Ref = r.Ref
		plate := canonical(r.Subject[providers.Plate])
		if plate == "" {
			outs[i].Err = &providers.Error{Provider: Name, Op: opSubmit, Class: providers.InvalidInput,
				Code: "no_plate", Err: errors.New("the request has no plate")}
			continue
		}
		if !known[plate] {
			known[plate] = true
			plates = append(plates, plate)
		}
	}
	if len(plates) == 0 {
		return outs, nil
	}
	t, err := p.submit(ctx, plates)
	if err != nil {
		return nil, err
	}
	for i := range outs {
		if outs[i].Err == nil {
			outs[i].Ticket = t
		}
	}
	return outs, nil
}

func (p *Provider) submit(ctx context.Context, plates []string) (*providers.Ticket, error) {
	answer, err := p.client.submit(ctx, newSubmission(plates, p.cfg.Webhook))
	if err != nil {
		return nil, err
	}
	got, ok := decodeSubmit(answer)
	if !ok {
		return nil, p.refusal(answer, opSubmit)
	}
	return &providers.Ticket{ID: got.id, Number: got.number, Cursor: newCursor(plates, p.cfg.PageSize).encode()}, nil
}

// Poll reads one page of the records of t and goes on where its cursor
// stands. Notices are "regression" (a record went back from final),
// "foreign_record" (of another batch or plate), "unknown_status" (taken as
// pending), "unreadable_record" (skipped), "endless_pages" (the pass was cut
// short) and "cursor_reset" (the cursor could not be read; the pass begins
// anew, which costs nothing but requests).
func (p *Provider) Poll(ctx context.Context, t providers.Ticket, open []providers.Request) (providers.Progress, error) {
	s := newSweep(t, open, p.cfg.PageSize)
	s.naming = p.cfg.Webhook
	records, err := p.items(ctx, t.ID, query{Skip: s.cursor.skip, Limit: p.cfg.PageSize})
	if err != nil {
		return providers.Progress{}, err
	}
	return s.take(records), nil
}

// Parts returns the pages of t. From the first sign that its records are not
// all listed, or change from page to page, there are none.
func (p *Provider) Parts(t providers.Ticket) []providers.Part {
	c, err := decodeCursor(t.Cursor)
	if err != nil {
		return nil
	}
	return c.parts()
}

// PollPart reads one of Parts. Its notices are those of Poll, and "pages_moved"
// where t has no parts any more.
func (p *Provider) PollPart(ctx context.Context, t providers.Ticket, part int, open []providers.Request) (providers.Progress, error) {
	s := newSweep(t, open, p.cfg.PageSize)
	s.naming = p.cfg.Webhook
	size := s.cursor.pages.size
	records, err := p.items(ctx, t.ID, query{Skip: part * size, Limit: size})
	if err != nil {
		return providers.Progress{}, err
	}
	return s.takePart(part, records), nil
}

// items asks for records of a batch.
func (p *Provider) items(ctx context.Context, id string, q query) ([]json.RawMessage, error) {
	if !usableID(id) {
		return nil, &providers.Error{Provider: Name, Op: opItems, Class: providers.InvalidInput,
			Code: "no_ticket", Err: errors.New("the ticket has no usable id")}
	}
	answer, err := p.client.items(ctx, id, q)
	if err != nil {
		return nil, err
	}
	records, ok := decodeItems(answer)
	if !ok {
		return nil, p.refusal(answer, opItems)
	}
	return records, nil
}

// Check asks for the records of a batch that does not exist. The error is not
// nil if Attestr refuses the credentials or the account, does not answer, or
// answers in a form that is not its own.
func (p *Provider) Check(ctx context.Context) error {
	answer, err := p.client.items(ctx, checkID, query{Limit: 1})
	if err != nil {
		return err
	}
	if _, ok := decodeItems(answer); ok {
		return nil
	}
	refused := p.refusal(answer, opItems)
	if _, inEnvelope := decodeFault(answer.Body); inEnvelope && refused.Class != providers.Unauthorised {
		return nil
	}
	return refused
}

// checkID has the form of an id and is nobody's.
const checkID = "000000000000000000000000"
