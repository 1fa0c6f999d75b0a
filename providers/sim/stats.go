package sim

import (
	"maps"
	"time"
)

// Stats are counts since the server was made; Batches and Records include what the journal held.
type Stats struct {
	Requests    map[string]int            `json:"requests"` // by endpoint
	Answers     map[string]map[string]int `json:"answers"`  // by endpoint, then by error code, else HTTP status, or "closed"
	Faults      map[string]int            `json:"faults"`   // by name: requests struck, without the per-record kinds
	Batches     int                       `json:"batches"`
	Records     int                       `json:"records"`
	Polls       map[string]int            `json:"polls"`        // by batch id: items requests, refused ones too
	FewestPolls map[string]int            `json:"fewest_polls"` // by batch id: pages of the largest size that hold its rows, read once
	MaxInFlight int                       `json:"max_in_flight"`
	Regressions int                       `json:"regressions"` // records shown INITIATED after they were shown final
	Webhooks    WebhookStats              `json:"webhooks"`
}

// counts are the part of Stats that is counted as it happens.
type counts struct {
	requests    map[string]int
	answers     map[string]map[string]int
	faults      map[string]int
	polls       map[string]int
	records     int
	inFlight    int
	maxInFlight int
	regressions int
	webhooks    WebhookStats
}

func newCounts() counts {
	return counts{
		requests: map[string]int{},
		answers:  map[string]map[string]int{},
		faults:   map[string]int{},
		polls:    map[string]int{},
	}
}

func (n *counts) begin(endpoint string) {
	n.requests[endpoint]++
	n.inFlight++
	n.maxInFlight = max(n.maxInFlight, n.inFlight)
}

func (n *counts) answered(endpoint, label string) {
	if n.answers[endpoint] == nil {
		n.answers[endpoint] = map[string]int{}
	}
	n.answers[endpoint][label]++
}

// Stats returns the counts as they stand.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &s.counts
	out := Stats{
		Requests:    maps.Clone(n.requests),
		Answers:     map[string]map[string]int{},
		Faults:      maps.Clone(n.faults),
		Batches:     len(s.attestr.order),
		Records:     n.records,
		Polls:       maps.Clone(n.polls),
		FewestPolls: map[string]int{},
		MaxInFlight: n.maxInFlight,
		Regressions: n.regressions,
		Webhooks:    n.webhooks,
	}
	for endpoint, answers := range n.answers {
		out.Answers[endpoint] = maps.Clone(answers)
	}
	for _, b := range s.attestr.order {
		page := DefaultPageMax
		if a := s.accountNamed(attestrName, b.account); a != nil {
			page = a.pageMax()
		}
		out.FewestPolls[b.id] = (len(b.plates) + page - 1) / page
	}
	return out
}

// Finals returns when each plate's record becomes final, in the Attestr batch that named it last.
func (s *Server) Finals() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := map[string]time.Time{}
	for _, b := range s.attestr.order {
		for i, p := range b.plates {
			at[p] = b.at.Add(b.after(i))
		}
	}
	return at
}
