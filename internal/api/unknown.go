package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// unknownView is a call of which nobody knows what became, as it is sent.
type unknownView struct {
	Call       int64           `json:"call"`
	Provider   string          `json:"provider"`
	SentAt     timestamp       `json:"sent_at"`
	Reason     string          `json:"reason" doc:"What was seen of it."`
	Code       string          `json:"code"`
	Questions  int             `json:"questions" doc:"Those of it that are unknown."`
	Resent     int             `json:"resent" doc:"Those of these whose rows were all asked again."`
	Rows       int             `json:"rows" doc:"Rows that wait."`
	Batches    []string        `json:"batches"`
	NeedsRow   bool            `json:"needs_row" doc:"A ticket of it answers one row: to adopt one, name the row."`
	AtRisk     *string         `json:"at_risk" doc:"What the questions cost if the provider charged them."`
	Currency   *string         `json:"currency"`
	Candidates []candidateView `json:"candidates" doc:"Tickets that may be that of the call."`
}

// candidateView is a ticket that a webhook named, and that nobody knows.
type candidateView struct {
	Ticket string    `json:"ticket"`
	At     timestamp `json:"at"`
	Plates int       `json:"plates" doc:"How many of the call's questions webhooks of it were about."`
	Signed bool      `json:"signed" doc:"One of these bore the provider's signature."`
}

// decidedView is what was decided about such a call.
type decidedView struct {
	At        timestamp `json:"at"`
	What      string    `json:"what"`
	Call      int64     `json:"call"`
	Questions int       `json:"questions"`
	By        string    `json:"by"`
	Reason    string    `json:"reason"`
}

type unknownPage struct {
	Items      []unknownView `json:"items"`
	NextCursor *string       `json:"next_cursor"`
	Decisions  []decidedView `json:"decisions,omitempty"`
}

// maxDecided bounds how many decisions are shown.
const maxDecided = 100

// listUnknown answers with a page of calls of which nobody knows, oldest first.
func (s *server) listUnknown(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	f := store.UnknownFilter{
		Tenant: tenantOf(r.Context()), Provider: q.text("provider"), Call: store.CallID(q.number("call")), Resent: q.flag("resent"),
		After: store.CallID(q.cursor()), Limit: q.limit(),
	}
	batch, decided := q.text("batch"), q.flag("decisions")
	if err := q.err(); err != nil {
		return err
	}
	ctx := r.Context()
	if err := s.ofBatch(ctx, batch, &f); err != nil {
		return err
	}
	f.Limit++
	calls, err := s.Store.Unknowns(ctx, f)
	if err != nil {
		return err
	}
	page := unknownPage{Items: []unknownView{}}
	if len(calls) == f.Limit {
		calls = calls[:f.Limit-1]
		page.NextCursor = new(cursorOf(int(calls[len(calls)-1].Call)))
	}
	if page.Items, err = s.viewUnknown(ctx, calls); err != nil {
		return err
	}
	if decided {
		if page.Decisions, err = s.decisions(ctx); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, page)
}

func (s *server) ofBatch(ctx context.Context, id string, f *store.UnknownFilter) error {
	if id == "" {
		return nil
	}
	b, err := s.visible(ctx, id)
	f.Batch = b.No
	return err
}

func (s *server) decisions(ctx context.Context) ([]decidedView, error) {
	all, err := s.Store.Decisions(ctx, tenantOf(ctx), maxDecided)
	views := make([]decidedView, len(all))
	for i, d := range all {
		views[i] = decidedView{timestamp(d.At), d.What, int64(d.Call), d.Asks, d.By, d.Reason}
	}
	return views, err
}

func (s *server) viewUnknown(ctx context.Context, calls []store.UnknownCall) ([]unknownView, error) {
	orphans, err := s.Store.Orphans(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[store.BatchNo]string{}
	views := make([]unknownView, len(calls))
	for i, c := range calls {
		views[i] = unknownView{
			Call: int64(c.Call), Provider: c.Provider, SentAt: timestamp(c.Sent), Reason: c.Class, Code: c.Code,
			Questions: c.Asks, Resent: c.Resent, Rows: c.Rows, Batches: []string{}, NeedsRow: s.needsRow(c), Candidates: candidates(c, orphans),
		}
		if !seesPII(ctx) {
			for j := range views[i].Candidates { // a ticket may be named after a plate
				views[i].Candidates[j].Ticket = maskWords(views[i].Candidates[j].Ticket)
			}
		}
		views[i].AtRisk, views[i].Currency = worth(s.Price(c.Provider), c.Asks)
		for _, no := range c.Batches {
			if ids[no] == "" {
				b, err := s.Store.BatchByNo(ctx, no)
				if err != nil {
					return nil, err
				}
				ids[no] = b.ID
			}
			views[i].Batches = append(views[i].Batches, ids[no])
		}
	}
	return views, nil
}

// candidates are the tickets of webhooks, known to nobody, that were about
// something this call asks and came after it was sent.
func candidates(c store.UnknownCall, orphans []store.Orphan) []candidateView {
	plates := map[string]bool{}
	for _, s := range c.Subjects {
		plates[s[providers.Plate]] = true
	}
	delete(plates, "")
	found := []candidateView{}
	at := map[string]int{}
	for _, o := range orphans {
		if o.Provider != c.Provider || o.At.Before(c.Sent) {
			continue
		}
		ticket, plate, signed := evidence(o.Hints)
		if ticket == "" || !plates[plate] {
			continue
		}
		i, known := at[ticket]
		if !known {
			i = len(found)
			at[ticket] = i
			found = append(found, candidateView{Ticket: ticket, At: timestamp(o.At)})
		}
		found[i].Plates++
		found[i].Signed = found[i].Signed || signed
	}
	return found
}

// evidence is the ticket that a webhook names first, and the plate that it is
// about.
func evidence(hints []providers.Hint) (ticket, plate string, signed bool) {
	for _, h := range hints {
		if ticket == "" {
			ticket = h.Ticket
		}
		if plate == "" {
			plate = h.Subject[providers.Plate]
		}
		signed = signed || h.Signed != ""
	}
	return ticket, plate, signed
}

// decisionRequest says what is decided about which calls, and why.
type decisionRequest struct {
	Call     int64  `json:"call,omitempty" doc:"This one."`
	Batch    string `json:"batch,omitempty" doc:"All of this batch."`
	Provider string `json:"provider,omitempty" doc:"It goes with all."`
	All      bool   `json:"all,omitempty" doc:"All of the provider."`
	Reason   string `json:"reason" doc:"Why; it is kept."`
}

// maxReason bounds the reason of a decision, in bytes.
const maxReason = 1000

// readDecision reads and checks such a body.
func readDecision(r *http.Request) (d decisionRequest, err error) {
	if err := readBody(r, &d); err != nil {
		return d, err
	}
	var faults []FieldError
	fault := func(field, detail string) { faults = append(faults, FieldError{Field: field, Detail: detail}) }
	d.Reason = strings.TrimSpace(d.Reason)
	switch {
	case d.Reason == "":
		fault("reason", "it is missing: say why, it is kept")
	case len(d.Reason) > maxReason:
		fault("reason", "it is too long")
	}
	chosen := 0
	for _, given := range []bool{d.Call != 0, d.Batch != "", d.All} {
		if given {
			chosen++
		}
	}
	switch {
	case d.Call < 0:
		fault("call", "it must be the number of a call")
	case chosen != 1:
		fault("call", "name one of call, batch, or all with provider")
	case d.All && d.Provider == "":
		fault("provider", "it goes with all")
	}
	return d, badFields(http.StatusUnprocessableEntity, "bad_decision", faults)
}

func (d decisionRequest) decision(ctx context.Context) store.Decision {
	return store.Decision{By: requester(ctx), Reason: d.Reason}
}

// resent says what a resend came to.
type resent struct {
	Calls int `json:"calls"`
	TakenView
	Repeated bool `json:"repeated" doc:"A request under this key came before: what that takes up is not counted here."`
}

// resend asks again what is unknown, and may pay twice.
func (s *server) resend(w http.ResponseWriter, r *http.Request) error {
	once, err := onceOf(r)
	if err != nil {
		return err
	}
	d, err := readDecision(r)
	if err != nil {
		return err
	}
	f, err := s.decided(r.Context(), d)
	if err != nil {
		return err
	}
	once.also(tenantOf(r.Context())) // one who sees all tenants speaks of more calls
	by, again, err := s.since(w, r, once, submitter(r.Context()), "resend", func() error { return s.present(r.Context(), f) })
	if err != nil {
		return err
	}
	if f.By = by; again {
		f.By = by.Add(-store.Apart) // nobody has decided about what became unknown later
		f.Resent = false            // what the first one has sent is not there to be sent
	}
	var total store.Taken
	provider := d.Provider
	calls, err := s.eachUnknown(r.Context(), f, func(ctx context.Context, c store.UnknownCall) error {
		provider = c.Provider
		if err := s.noteCall(ctx, store.ActResent, c); err != nil {
			return err
		}
		decision := d.decision(ctx)
		decision.Asked = by
		taken, err := s.Store.Resend(ctx, c.Call, decision)
		total.Add(taken)
		return err
	})
	if err != nil {
		return err
	}
	if calls > 0 {
		s.Log.Warn().Int("calls", calls).Int("questions", total.Asks).Int("rows", total.Rows).Str("by", requester(r.Context())).
			Msg("unknown calls are sent again by a person, and may be paid twice")
		s.Wake()
	}
	return writeJSON(w, http.StatusOK, resent{Calls: calls, TakenView: viewTaken(total, s.Price(provider)), Repeated: again})
}

// settledUnknown says how many questions of how many calls a decision was about.
type settledUnknown struct {
	Calls     int `json:"calls"`
	Questions int `json:"questions"`
}

// giveUp fails what is unknown.
func (s *server) giveUp(w http.ResponseWriter, r *http.Request) error {
	d, err := readDecision(r)
	if err != nil {
		return err
	}
	f, err := s.decided(r.Context(), d)
	if err != nil {
		return err
	}
	got := settledUnknown{}
	got.Calls, err = s.eachUnknown(r.Context(), f, func(ctx context.Context, c store.UnknownCall) error {
		if err := s.noteCall(ctx, store.ActGivenUp, c); err != nil {
			return err
		}
		n, err := s.Store.GiveUp(ctx, c.Call, d.decision(ctx))
		got.Questions += n
		return err
	})
	if err != nil {
		return err
	}
	s.Log.Warn().Int("calls", got.Calls).Int("questions", got.Questions).Str("by", requester(r.Context())).Msg("unknown calls are given up by a person")
	return writeJSON(w, http.StatusOK, got)
}

// decideAtOnce is how many calls are read together.
const decideAtOnce = 500

// decided chooses the calls that a decision is about. One that is named is
// meant though its rows were given other asks.
func (s *server) decided(ctx context.Context, d decisionRequest) (store.UnknownFilter, error) {
	f := store.UnknownFilter{Tenant: tenantOf(ctx), Call: store.CallID(d.Call), Provider: d.Provider, Limit: decideAtOnce, Resent: d.Call != 0}
	err := s.ofBatch(ctx, d.Batch, &f)
	return f, err
}

// present fails with store.ErrNoCall if one call is chosen that is not there.
func (s *server) present(ctx context.Context, f store.UnknownFilter) error {
	if f.Call == 0 {
		return nil
	}
	found, err := s.Store.Unknowns(ctx, f)
	if err == nil && len(found) == 0 {
		err = store.ErrNoCall
	}
	return err
}

// eachUnknown does something to the calls that a decision is about, and
// returns how many there were. A call that is meant in any case must be there.
func (s *server) eachUnknown(ctx context.Context, f store.UnknownFilter, do func(context.Context, store.UnknownCall) error) (calls int, err error) {
	for {
		page, err := s.Store.Unknowns(ctx, f)
		if err != nil {
			return calls, err
		}
		if len(page) == 0 && f.Resent && calls == 0 {
			return 0, store.ErrNoCall
		}
		for _, c := range page {
			f.After = c.Call
			err := do(ctx, c)
			if errors.Is(err, store.ErrNoCall) && !f.Resent {
				continue // its answer came meanwhile
			}
			if err != nil {
				return calls, err
			}
			calls++
		}
		if len(page) < decideAtOnce {
			return calls, nil
		}
	}
}
