package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/openapi"
	"github.com/plateq/plateq/store"
)

// route is one operation: how it is reached and served, and what the document
// says of it. A route is added by an entry in the list of what it is about,
// which has it routed, described in /openapi.json and shown on /docs, and by
// one in scopes, which says to whom it is answered. The types that it names are
// those that its handler reads and writes: tests hold the answers against them.
type route struct {
	openapi.Operation
	serve handler
}

// routes are all but those of webhooks.
func (s *server) routes() []route {
	all := slices.Concat(s.batchRoutes(), s.changeRoutes(), s.scheduleRoutes(), s.moneyRoutes(), s.unknownRoutes(), s.providerRoutes(), s.queueRoutes(), s.webhookRoutes(), s.keyRoutes(), s.auditRoutes(), s.serviceRoutes())
	for i := range all {
		all[i].serve = legible(all[i].serve)
	}
	return all
}

// mux serves routes.
func (s *server) mux(all []route) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range all {
		mux.Handle(r.Pattern(), s.handle(r.serve))
	}
	return mux
}

// Tags of the document.
const (
	tagBatches   = "batches"
	tagSchedules = "schedules"
	tagMoney     = "money"
	tagUnknown   = "unknown"
	tagProviders = "providers"
	tagQueues    = "queues"
	tagWebhooks  = "webhooks"
	tagKeys      = "keys"
	tagAudit     = "audit"
	tagService   = "service"
)

// spec describes routes.
func spec(all []route) openapi.Spec {
	out := openapi.Spec{
		Title: "Plateq", Version: "1",
		About: "Looks up lists of vehicle plates at paid providers. Nothing is lost, and nothing is paid twice.",
		Tags: []openapi.Tag{
			{Name: tagBatches, About: "Lists of plates: handed in, watched, and given back with their answers."},
			{Name: tagSchedules, About: "Lists that are asked about again and again."},
			{Name: tagMoney, About: "What calls cost, and what bounds that."},
			{Name: tagUnknown, About: "Calls that were sent, and nobody knows what became of them."},
			{Name: tagProviders, About: "Who is asked, and how they stand."},
			{Name: tagQueues, About: "What stands in Redis."},
			{Name: tagWebhooks, About: "Who is told of events, and how that goes."},
			{Name: tagKeys, About: "Who may ask."},
			{Name: tagAudit, About: "Who did what."},
			{Name: tagService, About: "The server itself."},
		},
		Types: []openapi.Alias{
			{Type: timestamp{}, As: time.Time{}},
			{Type: export.Row{}, As: rowView{}},
		},
		Enums: []openapi.Enum{
			{Type: store.BatchState(""), Values: names(batchStates())},
			{Type: store.Scope(""), Values: names(store.Scopes())},
			{Type: store.ActKind(""), Values: names(store.ActKinds())},
			{Type: store.EventKind(""), Values: names(store.EventKinds())},
			{Type: store.ErrorClass(""), Values: names(errorClasses())},
			{Type: client.Status(""), Values: rowStates()},
		},
		Problem: Problem{},
		Key:     "An API key, plq_…, with the scope that the operation names. None is needed on the machine itself while there is no key at all.",
	}
	for _, r := range all {
		r.Scope = string(scopes[r.Pattern()])
		out.Operations = append(out.Operations, r.Operation)
	}
	return out
}

// batchStates are those that a batch shows.
func batchStates() []store.BatchState {
	return []store.BatchState{store.BatchRunning, store.BatchPaused, store.BatchDone, store.BatchCancelled}
}

func errorClasses() []store.ErrorClass {
	return []store.ErrorClass{
		store.ClassInvalidInput, store.ClassSuppressed, store.ClassProviderError, store.ClassUnavailable,
		store.ClassProviderTimeout, store.ClassMissing, store.ClassPoison, store.ClassGivenUp,
	}
}

func rowStates() []string {
	var words []string
	for _, s := range store.RowStates() {
		words = append(words, s.String())
	}
	return words
}

// Parameters that several operations have.
var (
	cursorParam = openapi.Text("cursor", "next_cursor of the page before. Without it: the first page.")
	ifNoneMatch = openapi.Text("If-None-Match", "The ETag of an answer that is at hand.").InHeader()
	notModified = openapi.Answer{Status: http.StatusNotModified, About: "It is as it was."}
	limitParam  = openapi.Count("limit", "How many a page has at most; 100 where it is not said.", maxLimit)
)

func providerParam() openapi.Param {
	return openapi.Text("provider", "Only those of this provider, \"attestr\".")
}

func batchParam() openapi.Param { return openapi.Text("batch", "Only those of this batch.") }

// items is a list that comes whole.
type items[T any] struct {
	Items []T `json:"items"`
}

// names are words of any kind as strings.
func names[T ~string](words []T) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}
