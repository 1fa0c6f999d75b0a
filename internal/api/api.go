// Package api serves Plateq over HTTP. It is thin: what a batch is, how a list
// is read and how rows are written is decided by the parts that it is handed.
//
// # Errors
//
// Every error is a problem of RFC 9457 (application/problem+json) that names
// all that is wrong with a request at once. Its "code" is stable, its "detail"
// is for people, and its "errors" name fields. An error that nobody foresaw
// says no more than that, with the id under which the log tells the rest.
//
// # Who may ask
//
// Whoever shows a key that has the scope of the route, and sees what its tenant
// has and no more: what others have is not there. While no key was ever made,
// everybody may do everything; then only requests to a loopback name are
// answered, as a page that rebinds its own name to this machine must not read
// what is kept here. A page of another site cannot make a browser post.
// Webhooks are apart: they come from outside and are believed for what they
// prove alone.
package api

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/openapi"
	"github.com/plateq/plateq/internal/webhook"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Options are what the API serves and with whom it speaks.
type Options struct {
	Store     store.Store
	Providers *providers.Set
	// Access says who may ask; nil: whoever holds the handler, for everything.
	Access *Access
	// Operator is who does what no key is shown for, as the audit log names
	// them; empty: nobody knows.
	Operator string
	// ActHeads returns how far the audit log is known to have gone, from outside
	// of the store. nil: nobody knows.
	ActHeads func() ([]store.ActHead, error)
	// Catalogue describes every provider there is, set up or not; nil: those
	// of Providers.
	Catalogue []providers.Spec
	// Limits says at what pace a provider is asked; nil: nobody knows.
	Limits func(provider string) Limits
	// Pace says how fast one is asked at present, or that nobody knows; nil:
	// nobody ever does.
	Pace func(ctx context.Context, provider string) (Pace, bool)
	Log  zerolog.Logger
	// Observe is told of each request, by the pattern of its route, or "", and the
	// status of its answer; nil: nobody is. It must not wait.
	Observe func(route string, status int, took time.Duration)
	// Tracer is told how requests hang together with what comes of them; nil:
	// nobody is.
	Tracer Tracer
	// Told is told how many rows the caller was given with what is personal in
	// them, by the id of their key, "" for none, and what the audit log calls the
	// act; nil: nobody is. It must not wait.
	Told func(key string, act store.ActKind, rows int)
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Reuse says which known answers the lists for a provider are content
	// with; nil: none.
	Reuse func(provider string) store.Reuse
	// Price is what a question to a provider costs; nil: no prices are known.
	Price func(provider string) store.Price
	// Budgets are those of configuration.
	Budgets store.BudgetDefaults
	// Currency is the one in which amounts over all providers are meant; a
	// *store.MixedError: there is none. nil: that of all prices of Providers.
	Currency func() (string, error)
	// Wake is called when there is new work: a batch was committed or
	// resumed, or its tickets were made due. May be nil. It must not block.
	Wake func()
	// Ready returns what is wrong with what the API stands on, each in words
	// that hold no secret. nil: nothing can be.
	Ready func(ctx context.Context) []error
	// Queues are those in Redis; nil: this process has none.
	Queues *jobs.Queues
	// Full reports whether the queue takes no more work for a provider, so
	// that its lists are refused for now. nil: it never is.
	Full func(ctx context.Context, provider string) bool
	// Pause returns the shortest pause between two polls of a ticket, which
	// webhooks of the provider keep as well. nil: there is none.
	Pause func(provider string) time.Duration
	// Deadline returns how long a ticket of the provider may stay unanswered.
	// nil: two days.
	Deadline func(provider string) time.Duration
	// Receivers says to whom webhooks may be sent; nil: to public ones.
	Receivers *webhook.Guard
	// Purposes, if there are any, are those of which a batch must name one.
	Purposes []string
	// MaxBody bounds an upload in bytes; 0: 1 GiB. MaxRows bounds the rows of
	// a list; 0: 10 million.
	MaxBody int64
	MaxRows int
	// Stopping is closed when the server is to end: streams that would go on
	// end then. nil: it never is.
	Stopping <-chan struct{}
}

func (o Options) withDefaults() Options {
	if o.Observe == nil {
		o.Observe = func(string, int, time.Duration) {}
	}
	if o.Tracer == nil {
		o.Tracer = noTracer{}
	}
	if o.Told == nil {
		o.Told = func(string, store.ActKind, int) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Reuse == nil {
		o.Reuse = func(string) store.Reuse { return store.Reuse{} }
	}
	if o.Price == nil {
		o.Price = func(string) store.Price { return store.Price{} }
	}
	if o.Currency == nil {
		o.Currency = o.oneCurrency
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) []error { return nil }
	}
	if o.Full == nil {
		o.Full = func(context.Context, string) bool { return false }
	}
	if o.Catalogue == nil {
		for _, name := range o.Providers.Names() {
			spec, _ := o.Providers.Spec(name) // it is one of the names
			o.Catalogue = append(o.Catalogue, spec)
		}
	}
	if o.Receivers == nil {
		o.Receivers, _ = webhook.NewGuard(nil) // nothing can be wrong with nothing
	}
	if o.Pause == nil {
		o.Pause = func(string) time.Duration { return 0 }
	}
	if o.Deadline == nil {
		o.Deadline = func(string) time.Duration { return 48 * time.Hour }
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 30
	}
	if o.MaxRows == 0 {
		o.MaxRows = 10_000_000
	}
	return o
}

func (o Options) oneCurrency() (string, error) {
	prices := map[string]store.Price{}
	for _, name := range o.Providers.Names() {
		prices[name] = o.Price(name)
	}
	return store.OneCurrency(prices)
}

type server struct {
	Options
	flood    *flood
	watching *watching
	beat     time.Duration
	signed   sync.Map // by provider: the form in which its last webhook was signed
	document func() ([]byte, error)
	page     func() ([]byte, error) // the document for people
	turns    turns                  // of requests with the same key
	causes   *causes
}

func newServer(o Options) *server {
	s := &server{Options: o.withDefaults(), flood: newFlood(), beat: heartbeat}
	s.watching = newWatching(s.look)
	s.causes = newCauses(s.Now, func(ctx context.Context, no store.BatchNo) ([]store.Cause, error) { return s.Store.Causes(ctx, no) })
	described := func() openapi.Spec { return spec(slices.Concat(s.routes(), s.hookRoutes())) }
	s.document = sync.OnceValues(func() ([]byte, error) { return described().Document() })
	s.page = sync.OnceValues(func() ([]byte, error) { return described().Page(stylePath) })
	return s
}

// New returns the handler of all routes. It is safe for concurrent use and
// can be called without a listener.
func New(o Options) http.Handler {
	return newServer(o).handler()
}

func (s *server) handler() http.Handler {
	mux := s.mux(s.routes())
	crossSite := http.NewCrossOriginProtection()
	crossSite.SetDenyHandler(s.handle(func(http.ResponseWriter, *http.Request) error {
		return problem(http.StatusForbidden, "cross_site", "a page of another site may not change anything here")
	}))
	return s.observe(apart(s.hooks(), s.admitted(mux, crossSite.Handler(s.unrouted(mux)))))
}

// The times after which a client that does not go on is left. Uploads and
// downloads move theirs as long as bytes come and go.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 32 << 10
)

// NewServer returns a server for h with every bound set. The caller sets its
// address and error log.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
}
