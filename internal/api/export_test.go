package api

import "slices"

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
