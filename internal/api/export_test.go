package api

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/plateq/plateq/store"
)

// NewBeating is New with streams that say more often that they are there.
func NewBeating(o Options, beat time.Duration) http.Handler {
	s := newServer(o)
	s.beat = beat
	return s.handler()
}

// MaxWatchers is how many may watch.
const MaxWatchers = maxWatchers

// Routes lists the patterns of all routes, those of webhooks among them.
func Routes(o Options) []string {
	s := newServer(o)
	var all []string
	for _, r := range slices.Concat(s.routes(), s.hookRoutes()) {
		all = append(all, r.Pattern())
	}
	return all
}

// How many webhooks are taken.
const (
	FloodRate  = floodRate
	FloodBurst = floodBurst
	FloodWidth = floodWidth
)

// Scopes says what a key needs for a route, by its pattern; "": nothing.
func Scopes() map[string]store.Scope { return maps.Clone(scopes) }
