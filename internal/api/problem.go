package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/internal/diff"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Problem is an error as it is sent.
type Problem struct {
	Type    string       `json:"type"`
	Title   string       `json:"title"`
	Status  int          `json:"status"`
	Code    string       `json:"code" doc:"Stable: \"no_such_batch\", \"bad_query\"."`
	Detail  string       `json:"detail,omitempty" doc:"For people."`
	Errors  []FieldError `json:"errors,omitempty" doc:"Every field that is wrong."`
	Request string       `json:"request_id,omitempty" doc:"As the server's log has it."`
	// retryAfter is when to ask again, as a header; 0: nobody can say.
	retryAfter time.Duration
}

// laterOn is when to ask again of what is full or away.
const laterOn = 5 * time.Second

// again says when to ask again.
func (p *Problem) again(after time.Duration) *Problem {
	p.retryAfter = after
	return p
}

// FieldError says what is wrong with one field of a body or one parameter of
// a query.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error returns the detail of the problem and the fields it names.
func (p *Problem) Error() string {
	parts := []string{p.Detail}
	for _, e := range p.Errors {
		parts = append(parts, e.Field+": "+e.Detail)
	}
	return strings.Join(parts, "; ")
}

func problem(status int, code, format string, args ...any) *Problem {
	return &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: code, Detail: fmt.Sprintf(format, args...),
	}
}

// badFields is a problem with fields, or nil where there are none.
func badFields(status int, code string, fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	p := problem(status, code, "%d of the fields cannot be accepted", len(fields))
	p.Errors = fields
	return p
}

// problemOf says what err is to the one who asked. Internal: it is our fault
// and not to be told.
func problemOf(err error) (p *Problem, internal bool) {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p, false
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(http.StatusRequestEntityTooLarge, "too_large", "the body is larger than %d bytes", e.Limit), false
	}
	if e, ok := errors.AsType[*intake.InputError](err); ok {
		return inputProblem(e), false
	}
	if e, ok := errors.AsType[*providers.UnknownError](err); ok {
		return unknownProvider(e), false
	}
	if e, ok := errors.AsType[*diff.ProviderError](err); ok {
		return problem(http.StatusUnprocessableEntity, "other_provider", "the lists cannot be compared: one was asked of %s and one of %s", e.Before, e.After), false
	}
	if e, ok := errors.AsType[*store.StateError](err); ok {
		return problem(http.StatusConflict, "wrong_state", "cannot %s the batch: it is %s", e.Want, e.State), false
	}
	if e, ok := errors.AsType[*store.ExpiredError](err); ok {
		return problem(http.StatusGone, "rows_deleted", "the rows of batch %s were deleted on %s, as they were kept for %s",
			e.Batch, e.At.Format(time.DateOnly), store.FormatRetention(e.Kept)), false
	}
	if p := webhookProblem(err); p != nil {
		return p, false
	}
	switch {
	case errors.Is(err, store.ErrNoBatch):
		return problem(http.StatusNotFound, "no_such_batch", "there is no such batch"), false
	case errors.Is(err, store.ErrNoKey):
		return problem(http.StatusNotFound, "no_such_key", "there is no such API key"), false
	case errors.Is(err, store.ErrNoSchedule):
		return problem(http.StatusNotFound, "no_such_schedule", "there is no such schedule"), false
	case errors.Is(err, store.ErrNoBudget):
		return problem(http.StatusNotFound, "no_such_budget", "nobody has set a budget of that scope"), false
	case errors.Is(err, store.ErrNoCall):
		return problem(http.StatusNotFound, "no_such_call", "there is no such call of which the outcome is unknown"), false
	case errors.Is(err, store.ErrFull):
		return problem(http.StatusInsufficientStorage, "store_full", "no space is left; nothing was changed"), true
	case errors.Is(err, store.ErrAway):
		return problem(http.StatusServiceUnavailable, "store_away", "the store cannot be reached now; try again").again(laterOn), true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "too_slow", "the body came too slowly; nothing was kept"), false
	case errors.Is(err, context.Canceled):
		return problem(statusGone, "gone", "the request was given up"), false
	}
	return problem(http.StatusInternalServerError, "internal", "an error that was not foreseen; the log has it"), true
}

// statusGone is logged for clients that left. Nobody reads it.
const statusGone = 499

func inputProblem(e *intake.InputError) *Problem {
	status := http.StatusUnprocessableEntity
	switch e.Code {
	case intake.CodeLineTooLong:
		status = http.StatusRequestEntityTooLarge
	case intake.CodeUnknownFormat:
		status = http.StatusUnsupportedMediaType
	default:
	}
	detail := e.Reason
	if e.Line > 0 {
		detail = fmt.Sprintf("line %d: %s", e.Line, detail)
	}
	p := problem(status, string(e.Code), "%s", detail)
	if e.Column != "" {
		p.Errors = []FieldError{{Field: e.Column, Detail: e.Reason}}
	}
	return p
}

func unknownProvider(e *providers.UnknownError) *Problem {
	p := problem(http.StatusUnprocessableEntity, "unknown_provider", "%v", e)
	p.Errors = []FieldError{{Field: "provider", Detail: e.Error()}}
	return p
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	h := w.Header()
	h.Del("Content-Disposition")
	h.Del("ETag")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that left cannot be told so
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that left cannot be told so
	return nil
}
