package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// adoptRequest names the ticket of a call, and the row that this answers.
type adoptRequest struct {
	Call   int64  `json:"call"`
	Ticket string `json:"ticket" doc:"The id that the provider shows."`
	Row    int    `json:"row,omitempty" doc:"The number of the row that the ticket answers: what it asks is adopted alone. Needed where needs_row of the call says so."`
	Batch  string `json:"batch,omitempty" doc:"That of the row. Needed where rows of several wait on the call."`
	Reason string `json:"reason,omitempty" doc:"How it is known; it is kept."`
}

// readAdoption reads and checks such a body.
func readAdoption(r *http.Request) (a adoptRequest, err error) {
	if err := readBody(r, &a); err != nil {
		return a, err
	}
	a.Reason = strings.TrimSpace(a.Reason)
	var faults []FieldError
	for _, f := range []struct {
		bad           bool
		field, detail string
	}{
		{a.Call <= 0, "call", "it must be the number of a call"},
		{a.Ticket == "" || len(a.Ticket) > maxReason, "ticket", "it must be the id that the provider shows"},
		{a.Row < 0 || a.Row > math.MaxInt32, "row", "it must be the number of a row"},
		{a.Batch != "" && a.Row == 0, "batch", "it goes with row"},
		{len(a.Reason) > maxReason, "reason", "it is too long"},
	} {
		if f.bad {
			faults = append(faults, FieldError{Field: f.field, Detail: f.detail})
		}
	}
	return a, badFields(http.StatusUnprocessableEntity, "bad_decision", faults)
}

// needsRow reports whether a ticket for the call must be named for a row: it
// answers one question, and several are unknown.
func (s *server) needsRow(c store.UnknownCall) bool {
	spec, err := s.Providers.Spec(c.Provider)
	return err == nil && spec.SingleTickets() && c.Asks > 1
}

// rowOf returns the row that is named; 0: none is.
func (s *server) rowOf(ctx context.Context, a adoptRequest, c store.UnknownCall) (store.RowID, error) {
	switch {
	case a.Row == 0:
		return 0, nil
	case a.Batch != "":
		b, err := s.visible(ctx, a.Batch)
		return store.NewRowID(b.No, a.Row), err
	case len(c.Batches) == 1:
		return store.NewRowID(c.Batches[0], a.Row), nil
	}
	return 0, badFields(http.StatusUnprocessableEntity, "bad_decision", []FieldError{
		{Field: "batch", Detail: "name that of the row, as not one alone waits on the call: rows of several do, or of none"},
	})
}

// adopt has an unknown call, or what one row of it asks, wait on a ticket that
// somebody named.
func (s *server) adopt(w http.ResponseWriter, r *http.Request) error {
	a, err := readAdoption(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	found, err := s.Store.Unknowns(ctx, store.UnknownFilter{Tenant: tenantOf(ctx), Call: store.CallID(a.Call), Resent: true})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return store.ErrNoCall
	}
	c := found[0]
	spec, err := s.Providers.Spec(c.Provider)
	if err != nil {
		return err
	}
	if !spec.Pending {
		return problem(http.StatusUnprocessableEntity, "no_tickets", "%s answers at once and has no tickets to adopt", spec.Name)
	}
	row, err := s.rowOf(ctx, a, c)
	if err != nil {
		return err
	}
	if row == 0 && s.needsRow(c) {
		return rowNeeded(spec)
	}
	if err := s.noteCall(ctx, store.ActAdopted, c); err != nil {
		return err
	}
	now := s.Now()
	n, err := s.Store.Adopt(ctx, c.Call, row, store.NewTicket{
		Handle: providers.Ticket{ID: a.Ticket}, Shared: spec.SharedTickets, Single: spec.SingleTickets(),
		Due: now, Deadline: now.Add(s.Deadline(spec.Name)), Interval: s.Pause(spec.Name),
	}, store.Decision{By: requester(ctx), Reason: a.Reason})
	if err != nil {
		return adoptProblem(err, spec, a)
	}
	s.Log.Warn().Int64("call", a.Call).Int("questions", n).Str("by", requester(ctx)).Msg("a ticket is adopted for an unknown call by a person")
	s.Wake()
	return writeJSON(w, http.StatusOK, settledUnknown{Calls: 1, Questions: n})
}

func rowNeeded(spec providers.Spec) error {
	return problem(http.StatusUnprocessableEntity, "row_needed",
		"a ticket of %s answers one row, and several questions of the call are unknown: name the row too (row, and batch where rows of several wait); the others stay unknown",
		spec.Name)
}

// adoptProblem says what kept a ticket from being adopted.
func adoptProblem(err error, spec providers.Spec, a adoptRequest) error {
	switch {
	case errors.Is(err, store.ErrTicketTaken) && spec.SingleTickets():
		return problem(http.StatusConflict, "ticket_taken", "the ticket is that of another question of the call, and answers no other")
	case errors.Is(err, store.ErrTicketTaken):
		return problem(http.StatusConflict, "ticket_taken", "the ticket belongs to another call")
	case errors.Is(err, store.ErrManyAsks):
		return rowNeeded(spec)
	case errors.Is(err, store.ErrNotOn):
		return problem(http.StatusUnprocessableEntity, "not_unknown", "row %d is on nothing that is unknown of call %d", a.Row, a.Call)
	}
	return err
}
