package spectrumdata

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// Words of events that decide something.
const (
	clsSecurity        = "Security"
	typeTimeoutedStamp = "SecurityAuthTimeoutedStamp"
	typeNoSuchObject   = "DataSeekObjectError"
	typeSystem         = "GenericSystemError"

	entityReport     = "Report"
	entityReportType = "Report_Type"
)

// event is SpectrumData's account of what went wrong.
type event struct {
	cls, kind string
	entity    string // of which there is none, without its package
	words     string
	// status is set for errors of the server that SpectrumData's own code did
	// not see, which have nothing else.
	status     int
	serverTime time.Time
}

// decodeEvent reads an error, in one of three envelopes: a failed call with
// its event, an event by itself where a token was refused, or what the
// server's framework says. False: the body is none of these.
func decodeEvent(body []byte) (event, bool) {
	o, err := wirejson.Parse(body)
	if err != nil {
		return event{}, false
	}
	if data := o.Get("data"); present(data) && data[0] == '[' {
		return event{}, false // something was made all the same?
	}
	at := o
	switch state, _ := o.Text("state"); {
	case strings.EqualFold(state, "fail"):
		if at, err = wirejson.Members(o.Get("event")); err != nil {
			return event{}, false
		}
	case present(o.Get("state")) || present(o.Get("event")):
		return event{}, false
	}
	if e, ok := decodeFault(at); ok {
		return e, true
	}
	return decodeSpring(at)
}

// hasEvent reports whether an answer speaks of an error as well.
func hasEvent(o wirejson.Object) bool {
	_, isFault := decodeFault(o)
	_, isSpring := decodeSpring(o)
	return isFault || isSpring || present(o.Get("event"))
}

func decodeFault(o wirejson.Object) (event, bool) {
	cls, _ := o.Text("cls")
	kind, _ := o.Text("type")
	if cls == "" || kind == "" {
		return event{}, false
	}
	e := event{cls: cls, kind: kind, words: words(o, "name"), serverTime: instant(o, "stamp")}
	if data, ok := inner(o, "data"); ok {
		entity, _ := data.Text("entity_type")
		e.entity = entity[strings.LastIndexByte(entity, '.')+1:]
		if t := instant(data, "server_time"); !t.IsZero() {
			e.serverTime = t
		}
	}
	return e, true
}

func decodeSpring(o wirejson.Object) (event, bool) {
	text, _ := o.Text("status")
	status, err := strconv.Atoi(text)
	_, worded := o.Text("error")
	if err != nil || status < 400 || status > 599 || !worded || !present(o.Get("timestamp")) {
		return event{}, false
	}
	return event{status: status, words: words(o, "error")}, true
}

// words are the name of an error and what is said of it beyond that.
func words(o wirejson.Object, name string) string {
	title, _ := o.Text(name)
	message, _ := o.Text("message")
	if title == "" || message == "" || title == message {
		return cmp.Or(message, title)
	}
	return title + ": " + message
}

// lost reports whether the event says that there is no such entity.
func (e event) lost(entity string) bool {
	return e.kind == typeNoSuchObject && strings.EqualFold(e.entity, entity)
}

// code is the event's type or, without one, "http_400". A type that could
// hold a plate is not given out.
func (e event) code() string {
	switch {
	case e.status != 0:
		return "http_" + strconv.Itoa(e.status)
	case isWord(e.kind):
		return e.kind
	default:
		return "other_event"
	}
}

// class gives the verdict on an event that op drew.
func (e event) class(op string) providers.Class {
	switch {
	case e.status != 0:
		return springClass(e.status, op)
	case strings.EqualFold(e.cls, clsSecurity):
		return providers.Unauthorised
	case e.kind == typeSystem:
		return broken(op)
	case e.lost(entityReportType), e.kind == typeNoSuchObject && op == opMake:
		return providers.Unauthorised // nothing can be asked of that type
	default:
		return providers.ProviderError
	}
}

// broken is what it means that SpectrumData broke over a request: a report may
// have been made all the same.
func broken(op string) providers.Class {
	if op == opMake || op == opRefresh {
		return providers.Ambiguous
	}
	return providers.Unavailable
}

// springClass: what the framework refuses never reached SpectrumData's code.
func springClass(status int, op string) providers.Class {
	switch {
	case status == 400:
		return providers.InvalidInput
	case status == 401, status == 403, status == 404, status == 405:
		return providers.Unauthorised // or the base URL is wrong: nothing can be sent
	case status == 429:
		return providers.RateLimited
	case status >= 500:
		return broken(op)
	default:
		return providers.ProviderError
	}
}

// maxWords bounds the words that are kept: some hold a stack trace.
const maxWords = 1000

// refusal makes the error of an answer that is not what op hopes for.
func (p *Provider) refusal(a *providers.Answer, op string) *providers.Error {
	e, ok := decodeEvent(a.Body)
	if !ok {
		return a.Foreign(Name, op, p.now())
	}
	f := &providers.Error{Provider: Name, Op: op, Scope: Name, Class: e.class(op), Code: e.code(), Message: short(p.client.mask(e.words)),
		Head: []byte(p.client.mask(string(providers.Head(a.Body))))}
	switch f.Class {
	case providers.Unavailable, providers.RateLimited:
		f.Scope, f.Until = scope(op), providers.RetryAfter(a.Header, p.now())
	}
	return f
}

// refusedType narrows the refusal of a make to the type of the report, where
// that is what SpectrumData does not have: it may have the other one.
func (p *Provider) refusedType(kind string, e *providers.Error) *providers.Error {
	if e.Class == providers.Unauthorised && e.Code == typeNoSuchObject {
		e.Scope = p.spec.ServiceScope(kind)
	}
	return e
}

func short(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), maxWords)])
}
