package providers

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Provider is one paid API. Its methods are safe for concurrent use, start at
// most one request each, and return only *Error (a Set sees to the rest). One
// whose calls are free to repeat may ask another of its servers within the same
// call where the first has provably processed nothing.
type Provider interface {
	Spec() Spec
	// Submit asks 1 to Spec.MaxBatch requests in one paid request. An error
	// is about all of them; otherwise there is one Outcome for each Ref.
	Submit(ctx context.Context, reqs []Request) ([]Outcome, error)
}

// Poller is implemented exactly by providers whose Spec says Pending.
type Poller interface {
	// Poll makes one free request about t. open are the requests of the
	// ticket that are not final yet.
	Poll(ctx context.Context, t Ticket, open []Request) (Progress, error)
}

// PartPoller is implemented exactly by pollers whose Spec says Parts.
type PartPoller interface {
	// Parts returns how the parts of t stand, in the provider's order. It asks
	// nobody. None: t is to be read as a whole, by Poll, since its parts are not
	// known or cannot be relied on.
	Parts(t Ticket) []Part
	// PollPart is Poll for one of Parts, by its place among them. It begins
	// anew each time: Progress never says More.
	PollPart(ctx context.Context, t Ticket, part int, open []Request) (Progress, error)
}

// Part is one of the parts that a ticket is read in, such as a page of records,
// as it was found last.
type Part struct {
	// Size is how many requests the provider answers in it, Open how many of
	// them are not final. One that was never read is open as a whole.
	Size, Open int
	// Ahead is how many are final though one that is listed before them is not.
	Ahead int
}

// CallbackReader is implemented exactly by providers whose Spec says Callback.
type CallbackReader interface {
	// ReadCallback verifies and reads a webhook. Nothing in it is believed
	// beyond "ask about this now", which is said of the first of the hints that
	// is known to the reader; the others are what else it may be about. None: it
	// is genuine and about nothing that was asked here.
	//
	// An error is Unauthorised where nothing proves that the webhook comes from
	// the provider, and InvalidInput where it cannot be read.
	ReadCallback(h http.Header, body []byte) ([]Hint, error)
}

// Hint names what a webhook was about, as far as it said. It is personal data.
type Hint struct {
	// Ticket is the ID of a ticket, Record one of the names of Progress.Names.
	Ticket, Record string
	Subject        Subject
	// Signed says in a word over what the webhook is signed, where its form
	// leaves that open. Empty: it is not signed, and came with a token only.
	Signed string
}

// Checker makes the cheapest harmless call, to see that credentials work.
type Checker interface {
	Check(ctx context.Context) error
}

// Balancer reads what the provider says of credit and quotas.
type Balancer interface {
	Balance(ctx context.Context) ([]Balance, error)
}

// Balance is one figure of credit or quota.
type Balance struct {
	Name  string
	Left  string // decimal, in Unit; empty: there is no limit
	Unit  string
	Until time.Time
}

// Spec is what a provider can do, as data. It must not change while the
// process runs.
type Spec struct {
	// Name is the provider's name in every contract: "attestr".
	Name string
	// Title and Answers are for people: "Attestr RC_MOBILE", "owner's mobile".
	Title, Answers string
	// Countries are ISO 3166 alpha-2 codes.
	Countries []string
	// Needs are the columns without which a row is invalid.
	Needs []Column
	// Uses are the columns that are sent, Needs among them: two subjects that
	// agree in these (and in the parameters) are the same question.
	Uses []Column
	// Choices are groups of columns of which a row must fill one way.
	Choices []Choice
	// Params are the parameters of the product.
	Params []Param
	// Results are the fields of a Record's Result, as the provider's document
	// names and orders them; "owner.name" is a field inside of one.
	Results []string
	// MaxBatch is how many requests one Submit takes; 1 for single look-ups.
	MaxBatch int
	// Pending: Submit may return tickets; Poller is implemented.
	Pending bool
	// Parts: what Submit gives tickets for may be read in parts; PartPoller is
	// implemented.
	Parts bool
	// Callback: CallbackReader is implemented.
	Callback bool
	// FreeRepeat tells whether asking again with the same parameters costs
	// nothing, so that an Ambiguous call may simply be repeated. nil: never.
	FreeRepeat func(Params) bool
	// Repeats says for people whether asking again is free: "no", or "yes"
	// and on what terms, "yes: a plate is charged once". It begins as
	// FreeRepeat answers where no parameter is given.
	Repeats string
	// Limits are the limits that the provider's document gives, in a few
	// words: "500 vehicles a call". Empty: it gives none.
	Limits string
	// Service names the part of the provider's service that a question is for,
	// where parts of it fail apart from each other: an operator, a country's
	// service, a type of report. Empty: it is for none of its own. nil: there
	// are no parts. Asked through ServiceOf.
	Service func(Subject, Params) string
	// Refusals say for people what a code of Unauthorised means that is not
	// about the credentials: "does not know this version of its API".
	Refusals map[string]string
	// Charges says what the provider charges for.
	Charges Charges
	// CountsFirstFound, if set, names a reading that the provider keeps and
	// does not tell: how many found answers were the first of their question.
	// It is counted by our own books, so that what others asked for the same
	// account, or what was asked before, is not known there.
	CountsFirstFound string
	// Endpoints name the operations, as in the scopes of gates and limits:
	// "submit" first, then what a Poll uses.
	Endpoints Endpoints
	// Timeout bounds one call, reading of the body included.
	Timeout time.Duration
	// SharedTickets: Submit gives a ticket again that an earlier call was
	// given, where the same was asked. Each call then waits on it by itself.
	// Otherwise such a ticket is an answer misread.
	SharedTickets bool
	// FirstPoll is how long after a submit its ticket is first polled, and
	// SteadyFor how long polls of it keep their shortest pause before the
	// pause grows. 0: the shortest pause, and not at all.
	FirstPoll, SteadyFor time.Duration
}

// Endpoints are the names of a provider's operations.
type Endpoints struct {
	Submit string
	Poll   string // empty where nothing is polled
}

// Param is a parameter of a provider's product.
type Param struct {
	Name, Usage string
	// Default is the value where nobody gives one. It becomes part of the
	// question, so that another default is another question.
	Default  string
	Required bool
}

// Repeatable reports whether a call with these parameters may be repeated
// without paying again.
func (s Spec) Repeatable(p Params) bool {
	return s.FreeRepeat != nil && s.FreeRepeat(p)
}

// SingleTickets reports whether each ticket answers one request and never
// another.
func (s Spec) SingleTickets() bool { return s.Pending && s.MaxBatch == 1 }

// Refusal says in a few words what the provider does where a call ends with a
// code of Unauthorised: "refuses the credentials".
func (s Spec) Refusal(code string) string {
	if words := s.Refusals[code]; words != "" {
		return words
	}
	return "refuses the credentials"
}

// maxService bounds the name of a part of a service.
const maxService = 64

// ServiceOf returns the part of the service that a question is for, or nothing.
// The name comes from those who ask and ends up in scopes, so that one which
// is no plain name of letters, digits and -_.@ counts as none.
func (s Spec) ServiceOf(subject Subject, p Params) string {
	if s.Service == nil {
		return ""
	}
	name := s.Service(subject, p)
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@", r)
	}
	if len(name) > maxService || strings.TrimFunc(name, plain) != "" {
		return ""
	}
	return name
}

// ServiceScope returns the scope of paid calls to a part of the service:
// "aopay/fetch/311".
func (s Spec) ServiceScope(service string) string { return s.SubmitScope() + "/" + service }

// SubmitScope returns the scope of paid calls: "attestr/submit".
func (s Spec) SubmitScope() string { return s.Name + "/" + s.Endpoints.Submit }

// PollScope returns the scope of polls: "attestr/items".
func (s Spec) PollScope() string { return s.Name + "/" + s.Endpoints.Poll }
