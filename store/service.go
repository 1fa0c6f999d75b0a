package store

import (
	"slices"
	"strings"
	"time"
)

// Services are the closed gates of parts of a provider's service, by the name
// of the part: those one step below the gate of its paid calls.
type Services map[string]*GateRecord

// ServiceScopes returns the bounds between which, byte by byte, the scopes of
// the parts of the service behind a scope are.
func ServiceScopes(scope string) (from, to string) { return scope + "/", scope + string('/'+1) }

// NewServices sorts closed gates by the names of their parts: those whose
// scopes are within the bounds of ServiceScopes.
func NewServices(closed []*GateRecord) Services {
	s := make(Services, len(closed))
	for _, g := range closed {
		s[g.Scope[strings.LastIndexByte(g.Scope, '/')+1:]] = g
	}
	return s
}

// Choose decides what a claim may take of a chunk whose asks are for the given
// parts of the service: a single ask where it is the probe of a gate, otherwise
// those that no shut gate holds. passed is what the claim has passed already.
func (s Services) Choose(k *Chunk, of map[AskID]string, passed Passage, wanted func(AskID) bool, now time.Time) (Passage, func(AskID) bool) {
	for i := range k.Len() {
		a := k.Ask(i)
		g := s[of[a]]
		if g != nil && g.Probe && !g.Shut(now) && k.Ready(i, now) && wanted(a) {
			return append(slices.Clip(passed), g), func(other AskID) bool { return other == a }
		}
	}
	return passed, func(a AskID) bool {
		g := s[of[a]]
		return (g == nil || !g.Shut(now)) && wanted(a)
	}
}

// Shut lists the parts whose gates let nobody pass now, sorted.
func (s Services) Shut(now time.Time) ShutServices {
	var shut ShutServices
	for part, g := range s {
		if g.Shut(now) {
			shut = append(shut, part)
		}
	}
	slices.Sort(shut)
	return shut
}

// ShutServices are parts of a service of which nothing can be asked now.
type ShutServices []string

// Judge reports whether some ask of a chunk may be claimed now; of says which
// part each is for. Where all that is queued is for shut parts, behind names
// these as they are noted with the chunk.
func (s ShutServices) Judge(k *Chunk, of map[AskID]string, now time.Time) (free bool, behind string) {
	var parts []string
	for i := range k.Len() {
		if k.State(i) != Queued {
			continue
		}
		part := of[k.Ask(i)]
		if slices.Contains(s, part) {
			parts = append(parts, part)
			continue
		}
		if k.Ready(i, now) {
			return true, ""
		}
		free = true // later
	}
	if free {
		return false, ""
	}
	slices.Sort(parts)
	return false, strings.Join(slices.Compact(parts), " ")
}

// Hold reports whether a chunk that Judge has noted as being behind some parts
// still is.
func (s ShutServices) Hold(behind string) bool {
	return behind != "" && !slices.ContainsFunc(strings.Fields(behind), func(part string) bool { return !slices.Contains(s, part) })
}
