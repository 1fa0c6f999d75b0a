// Package web serves the pages that people use: plain HTML that works without
// scripts, and better with them.
//
// # Where it has things from
//
// A page shows what the HTTP API says. It asks the API's own handler, in the
// process and in the name of whoever looks at the page, so that scopes,
// tenants, masking and the words of errors are decided in one place. There is
// no other way from here to the store.
//
// # Who looks
//
// Whoever has logged in with an API key, for as long as that key counts. The
// browser holds a cookie that names the key and is signed; nothing about it is
// kept here. While no key was ever made, whoever is on this machine.
//
// # What is personal
//
// Pages are masked, whatever the key may see, until somebody asks on purpose.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// Access says who may come in. *api.Access implements it.
type Access interface {
	// Open reports whether everybody may do everything.
	Open(ctx context.Context) (bool, error)
	// Show returns the key of a text that somebody types in.
	Show(r *http.Request, text string) (store.APIKey, error)
	// Leave is told that whoever logged in with the key of that id logs out.
	Leave(ctx context.Context, id string) error
	// Holder returns a key by its id as long as it counts.
	Holder(ctx context.Context, id string) (store.APIKey, error)
}

// Options say what the pages stand on.
type Options struct {
	// API answers what the pages ask.
	API    http.Handler
	Access Access
	// Secret signs sessions: the same in every process that serves the same
	// store, and known to nobody else.
	Secret []byte
	Log    zerolog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

type site struct {
	Options
	assets *assets
	pages  map[string]*template.Template
	ended  ended
	paces  paces
}

// New returns the handler of all pages, for every path that is not the API's.
// It is safe for concurrent use.
func New(o Options) (http.Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &site{Options: o, ended: ended{at: map[string]time.Time{}}}
	var err error
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	if s.pages, err = s.readPages(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+assetsPath, s.assets)
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.page(r))
	}
	crossSite := http.NewCrossOriginProtection()
	crossSite.SetDenyHandler(s.page(route{open: true, serve: func(*visit) error { return errCrossSite }}))
	return s.observe(crossSite.Handler(mux)), nil
}

// Serves reports whether a path is one of pages and not of the API.
func Serves(path string) bool {
	for _, own := range []string{"/v1/", "/hooks/"} {
		if strings.HasPrefix(path, own) {
			return false
		}
	}
	switch path {
	case "/v1", "/hooks", "/healthz", "/readyz", "/openapi.json", "/docs", "/docs.css":
		return false
	}
	return true
}

// policy lets a page load and send nothing but to where it comes from, and
// run nothing that stands in the page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// observe sets the headers of every answer and writes one line to the log.
func (s *site) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		rec := &answered{ResponseWriter: w}
		defer func() {
			v := recover()
			line := s.Log.Info()
			if strings.HasPrefix(r.URL.Path, assetsPath) {
				line = s.Log.Debug()
			}
			if err, ok := v.(error); v != nil && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
				line = s.Log.Error().Str("panic", fmt.Sprintf("%T", v)) // what it holds may be personal
			}
			line.Str("method", api.MethodOf(r)).Str("page", r.Pattern).Int("status", rec.status).Dur("took", s.Now().Sub(start)).Msg("page")
			if v != nil {
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answered) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find deadlines.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// ended are sessions that were logged out of in this process.
type ended struct {
	mu sync.Mutex
	at map[string]time.Time // until when they would have lasted, by id
}

func (e *ended) add(s session, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, until := range e.at {
		if now.After(until) {
			delete(e.at, id)
		}
	}
	e.at[s.id] = s.until
}

func (e *ended) has(s session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, over := e.at[s.id]
	return over
}

// newID is 256 bits at random.
func newID() string {
	id := make([]byte, 32)
	_, _ = rand.Read(id) // it does not fail
	return string(id)
}

// everything is what may be done where no key is needed.
func everything() store.APIKey {
	return store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()}
}

var errCrossSite = &refusal{
	status: http.StatusForbidden, title: "This came from another site",
	Detail: "A page of another site may not change anything here. Open this page by its own address and try again.",
}

// interface check: what app hands in.
var _ Access = (*api.Access)(nil)
