package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// envelope is what a submission says beside its items.
type envelope struct {
	Provider string
	Name     string
	Purpose  string
	Metadata json.RawMessage
	Weight   float64
	MaxCost  json.Number
	Callback string // a URL
	// Retention is how long rows are kept after the end of the batch; empty: as
	// long as those of any.
	Retention string
	Params    providers.Params
	Fresh     bool
}

// Bounds of an envelope.
const (
	maxField    = 64 << 10 // bytes of one field
	maxDepth    = 32
	maxMetadata = 16 << 10
	maxName     = 200 // characters of a name or a purpose
)

// ahead is how many bytes of items are read before the envelope must be
// whole. A shorter list may name its fields in any order; of a longer one
// they come first, as what comes behind it would have to wait for all of it.
const ahead = 4 << 20

// submission reads the JSON body of a submission: the envelope at once, the
// items, each as a line of JSON Lines, as its Read is called.
type submission struct {
	envelope
	dec    *json.Decoder
	bound  *bounded
	seen   map[string]bool
	faults []FieldError
	lines  bytes.Buffer
	items  bool // inside the array of items
	begun  bool // the envelope is taken to be known
	whole  bool // all has been read
	err    error
}

// readSubmission reads body up to where the envelope is known: to its end, or
// to items that are more than it looks ahead. What is wrong with fields is in
// faults; an error is about the body as a whole.
func readSubmission(body io.Reader) (*submission, error) {
	b := &bounded{r: body}
	s := &submission{dec: json.NewDecoder(b), bound: b, seen: map[string]bool{}}
	if open, err := s.token(); err != nil || open != json.Delim('{') {
		return nil, orBad(err, "the body is no JSON object")
	}
	if err := s.fields(); err != nil {
		return nil, err
	}
	for s.items && s.lines.Len() < ahead {
		if err := s.item(); err != nil {
			return nil, err
		}
	}
	if !s.seen["items"] {
		s.fault("items", "it is missing")
	}
	s.begun = s.items
	return s, nil
}

// Read implements io.Reader. An error of the body comes as a *Problem or as
// what reading it brought.
func (s *submission) Read(p []byte) (int, error) {
	for s.lines.Len() == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if s.whole {
			return 0, io.EOF
		}
		s.err = s.item()
	}
	return s.lines.Read(p)
}

// item reads the next item, or the end of the items and what follows.
func (s *submission) item() error {
	if !s.more() {
		if _, err := s.token(); err != nil { // the bracket
			return orBad(err, tooEarly)
		}
		s.items = false
		return s.fields()
	}
	raw, err := s.value()
	if err != nil {
		return err
	}
	if err := json.Compact(&s.lines, raw); err != nil {
		return orBad(nil, "an item is no JSON")
	}
	s.lines.WriteByte('\n')
	return nil
}

// fields reads names and values up to the items or the end of the object, and
// then of the body.
func (s *submission) fields() error {
	for s.more() {
		key, err := s.token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder sees to it
		if s.begun {
			return badFields(http.StatusUnprocessableEntity, "bad_envelope",
				[]FieldError{{Field: clip(name), Detail: "in a body as large as this it must come before items"}})
		}
		if s.seen[name] {
			s.fault(clip(name), "it is given twice")
		}
		s.seen[name] = true
		if name == "items" {
			open, err := s.token()
			if err != nil {
				return orBad(err, tooEarly)
			}
			if open != json.Delim('[') {
				s.fault("items", "it must be an array")
				return badFields(http.StatusUnprocessableEntity, "bad_envelope", s.faults)
			}
			s.items = true
			return nil
		}
		if err := s.field(name); err != nil {
			return err
		}
	}
	if _, err := s.token(); err != nil { // the brace
		return orBad(err, tooEarly)
	}
	if _, err := s.token(); !errors.Is(err, io.EOF) {
		return orBad(err, "there is more behind the JSON object")
	}
	s.whole = true
	return nil
}

func (s *submission) field(name string) error {
	raw, err := s.value()
	if err != nil {
		return err
	}
	s.set(name, raw)
	return nil
}

// set reads one field of the envelope.
func (s *submission) set(name string, raw json.RawMessage) {
	for _, fault := range []string{checkNesting(raw), s.unfit(name, raw)} {
		if fault != "" {
			s.fault(clip(name), "%s", fault)
			return
		}
	}
	into := map[string]any{
		"provider": &s.Provider, "name": &s.Name, "purpose": &s.Purpose, "metadata": &s.Metadata,
		"weight": &s.Weight, "max_cost": &s.MaxCost, "params": &s.Params, "fresh": &s.Fresh,
		"callback_url": &s.Callback, "retention": &s.Retention,
	}[name]
	switch {
	case into == nil:
		s.fault(clip(name), "there is no such field")
	case json.Unmarshal(raw, into) != nil:
		s.fault(name, "it must be %s", kinds[name])
	}
}

// unfit says why a field holds no text. What metadata holds is the caller's own,
// and which parameter is wrong is said by whoever reads the rows.
func (s *submission) unfit(name string, raw json.RawMessage) string {
	if name != "metadata" && name != "params" {
		return unfitJSON(raw)
	}
	if !utf8.Valid(raw) {
		return unfit(string(raw))
	}
	return ""
}

var kinds = map[string]string{
	"provider": "a string", "name": "a string", "purpose": "a string", "weight": "a number",
	"params": "an object of strings", "fresh": "true or false", "max_cost": "a decimal such as 12.50",
	"callback_url": "a string", "retention": "a string",
}

func (s *submission) fault(field, format string, args ...any) {
	s.faults = append(s.faults, FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
}

// check adds what is wrong with the fields beyond what was found of them already.
func (e *envelope) check(faults []FieldError, purposes []string) []FieldError {
	known := len(faults)
	add := func(bad bool, field, format string, args ...any) {
		if bad && !slices.ContainsFunc(faults[:known], func(f FieldError) bool { return f.Field == field }) {
			faults = append(faults, FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
		}
	}
	add(e.Provider == "", "provider", "it is missing")
	add(len([]rune(e.Name)) > maxName, "name", "it is longer than %d characters", maxName)
	add(len([]rune(e.Purpose)) > maxName, "purpose", "it is longer than %d characters", maxName)
	add(len(purposes) > 0 && !slices.Contains(purposes, e.Purpose), "purpose", "it must be one of %s", strings.Join(purposes, ", "))
	add(e.Weight < 0 || e.Weight > client.MaxWeight || math.IsNaN(e.Weight), "weight", "it must be more than 0 and at most %d", client.MaxWeight)
	if e.MaxCost != "" {
		_, err := store.ParseMoney(e.MaxCost.String())
		add(err != nil, "max_cost", "%v", err)
	}
	if e.Retention != "" {
		_, err := store.ParseRetention(e.Retention)
		add(err != nil, "retention", "it %v", err)
	}
	if string(e.Metadata) == "null" {
		e.Metadata = nil
	}
	add(len(e.Metadata) > 0 && e.Metadata[0] != '{', "metadata", "it must be an object")
	add(len(e.Metadata) > maxMetadata, "metadata", "it is larger than %d bytes", maxMetadata)
	return faults
}

// kept is how long rows are kept after the end of the batch; 0: as long as those
// of any.
func (e *envelope) kept() time.Duration {
	d, _ := store.ParseRetention(e.Retention) // checked
	return d
}

// token, more and value read on, each at most maxField bytes.
func (s *submission) token() (json.Token, error) {
	s.bound.until = s.dec.InputOffset() + maxField
	t, err := s.dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	return t, badSyntax(err)
}

func (s *submission) more() bool {
	s.bound.until = s.dec.InputOffset() + maxField
	return s.dec.More()
}

func (s *submission) value() (json.RawMessage, error) {
	s.bound.until = s.dec.InputOffset() + maxField
	var raw json.RawMessage
	err := s.dec.Decode(&raw)
	return raw, badSyntax(err)
}

const tooEarly = "the body is no JSON, or ends too early"

// badSyntax tells errors of the JSON from those of reading it.
func badSyntax(err error) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	if syntax || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return orBad(nil, tooEarly)
	}
	return err
}

// orBad returns err, or without one, or at the end of the body, a problem.
func orBad(err error, text string) error {
	if err == nil || errors.Is(err, io.EOF) {
		return problem(http.StatusBadRequest, "bad_json", "%s", text)
	}
	return err
}

// checkNesting says what is wrong with how a value is built: too deep, or a
// name twice in one object.
func checkNesting(raw []byte) string {
	type level struct {
		names map[string]bool // nil in an array
		value bool            // a value comes next
	}
	var stack []level
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	for {
		t, err := dec.Token()
		if err != nil {
			return ""
		}
		top := len(stack) - 1
		if name, ok := t.(string); ok && top >= 0 && stack[top].names != nil && !stack[top].value {
			if stack[top].names[name] {
				return "a name comes twice in it"
			}
			stack[top].names[name] = true
			stack[top].value = true
			continue
		}
		if top >= 0 {
			stack[top].value = false
		}
		switch t {
		case json.Delim('{'):
			stack = append(stack, level{names: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
		}
		if len(stack) > maxDepth {
			return fmt.Sprintf("it is nested deeper than %d", maxDepth)
		}
	}
}

// bounded refuses to read past until, so that one value cannot fill the
// memory.
type bounded struct {
	r     io.Reader
	n     int64
	until int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.n >= b.until {
		return 0, &intake.InputError{Code: intake.CodeLineTooLong,
			Reason: fmt.Sprintf("a value in the body is longer than %d bytes", maxField)}
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	return n, err
}
