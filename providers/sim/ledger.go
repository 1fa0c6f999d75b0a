package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Answered is the outcome of a charge whose answer no fault was to touch.
const Answered = "answered"

// Charge is one line of the ledger: a call that was charged, written before it was answered.
type Charge struct {
	Time     time.Time `json:"time"`
	Provider string    `json:"provider"`
	Call     string    `json:"call"` // the batch's id
	Account  string    `json:"account"`
	Plates   []string  `json:"plates"`  // as submitted, in order; shared with the server, not to be changed
	Charged  int       `json:"charged"` // records; 0: the call was answered free of charge
	Outcome  string    `json:"outcome"` // Answered, or the kind of the fault that was about to spoil the answer
}

// entry is a line of the journal: a charge with what its upstream keeps of it, or an account that was set.
type entry struct {
	*Charge
	State json.RawMessage `json:"state,omitempty"`
	Set   *Account        `json:"set,omitempty"`
}

// charge journals a charge with what its upstream needs to know of it again, takes it from the account's credit and
// puts it into the ledger. Where the journal fails nothing has happened.
func (s *Server) charge(a *account, c Charge, state any) error {
	select {
	case <-s.done:
		return http.ErrServerClosed
	default:
	}
	c.Provider, c.Account = a.Provider, a.Name
	kept, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encode charge: %w", err)
	}
	line, err := json.Marshal(entry{Charge: &c, State: kept})
	if err != nil {
		return fmt.Errorf("encode charge: %w", err)
	}
	if err := s.opts.Journal.Append(line); err != nil {
		return err
	}
	s.book(a, c)
	return nil
}

func (s *Server) book(a *account, c Charge) {
	if a != nil && a.Credit != Unlimited {
		a.Credit = max(0, a.Credit-c.Charged)
	}
	s.ledger = append(s.ledger, c)
}

// replay takes in one line of the journal. A charged call also counts against the daily limits of its account; free
// ones before the restart do not, they are not journaled.
func (s *Server) replay(line []byte) error {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("decode entry: %w", err)
	}
	switch {
	case e.Set != nil:
		return s.putAccount(*e.Set)
	case e.Charge == nil:
		return errors.New("decode entry: neither a charge nor an account")
	}
	u := s.upstreamNamed(e.Provider)
	if u == nil {
		return fmt.Errorf("decode entry: unknown provider %q", e.Provider)
	}
	a := s.accountNamed(e.Provider, e.Account)
	if a != nil {
		day := a.reset.before(e.Time)
		for _, m := range []*meter{a.all, a.each[u.endpoints()[0]]} {
			if day.After(m.day) {
				m.day, m.used = day, 0
			}
			m.used++
		}
	}
	s.book(a, *e.Charge)
	if err := u.replay(*e.Charge, e.State); err != nil {
		return fmt.Errorf("decode entry of %s: %w", e.Provider, err)
	}
	return nil
}

// Ledger returns every charge, in the order in which they were made.
func (s *Server) Ledger() []Charge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Charge(nil), s.ledger...)
}

// Charges returns how often each plate was charged, at the providers that are named or, without a name, at all.
func (s *Server) Charges(providers ...string) map[string]int {
	n := map[string]int{}
	for _, c := range s.Ledger() {
		if c.Charged == 0 || len(providers) > 0 && !slices.Contains(providers, c.Provider) {
			continue
		}
		for _, p := range c.Plates {
			n[p]++
		}
	}
	return n
}
