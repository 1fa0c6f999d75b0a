package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Answered is the outcome of a charge whose answer no fault was to touch.
const Answered = "answered"

// Charge is one line of the ledger: a call that was charged, written before it was answered.
type Charge struct {
	Time    time.Time `json:"time"`
	Call    string    `json:"call"` // the batch's id
	Account string    `json:"account"`
	Plates  []string  `json:"plates"`  // as submitted, in order; shared with the server, not to be changed
	Charged int       `json:"charged"` // records
	Outcome string    `json:"outcome"` // Answered, or the kind of the fault that was about to spoil the answer
}

// entry is a line of the journal: a charge with its batch, or an account that was set.
type entry struct {
	*Charge
	Batch *terms   `json:"batch,omitempty"`
	Set   *Account `json:"set,omitempty"`
}

// terms are what a batch was accepted on. They are journaled with it, so that a restart under other options changes
// neither its answers nor its times.
type terms struct {
	Number     string     `json:"number"`
	Webhook    bool       `json:"webhook,omitempty"`
	Seed       uint64     `json:"seed"`
	Answers    Answers    `json:"answers"`
	Completion Completion `json:"completion"`
}

// charge journals the batch, takes its records from the account's credit and makes it known. Where the journal fails
// nothing has happened.
func (s *Server) charge(a *account, b *batch, outcome string) error {
	select {
	case <-s.done:
		return http.ErrServerClosed
	default:
	}
	c := Charge{Time: b.at, Call: b.id, Account: a.Name, Plates: b.plates, Charged: len(b.plates), Outcome: outcome}
	line, err := json.Marshal(entry{Charge: &c, Batch: &b.terms})
	if err != nil {
		return fmt.Errorf("encode charge: %w", err)
	}
	if err := s.opts.Journal.Append(line); err != nil {
		return err
	}
	s.book(a, c, b)
	return nil
}

func (s *Server) book(a *account, c Charge, b *batch) {
	if a != nil && a.Credit != Unlimited {
		a.Credit = max(0, a.Credit-c.Charged)
	}
	s.ledger = append(s.ledger, c)
	s.batches[b.id] = b
	s.order = append(s.order, b)
	s.counts.records += len(b.plates)
}

// replay takes in one line of the journal. A charged call also counts against the daily limits of its account; polls
// before the restart do not, they are not journaled.
func (s *Server) replay(line []byte) error {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("decode entry: %w", err)
	}
	switch {
	case e.Set != nil:
		return s.putAccount(*e.Set)
	case e.Charge == nil || e.Batch == nil:
		return errors.New("decode entry: neither a charge nor an account")
	}
	a := s.accountNamed(e.Account)
	if a != nil {
		day := a.reset.before(e.Time)
		for _, m := range []*meter{a.all, a.each[endpointSubmit]} {
			if day.After(m.day) {
				m.day, m.used = day, 0
			}
			m.used++
		}
	}
	s.book(a, *e.Charge, newBatch(e.Call, e.Account, e.Time, e.Plates, *e.Batch))
	return nil
}

// Ledger returns every charge, in the order in which they were made.
func (s *Server) Ledger() []Charge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Charge(nil), s.ledger...)
}

// Charges returns how often each plate was charged.
func (s *Server) Charges() map[string]int {
	n := map[string]int{}
	for _, c := range s.Ledger() {
		for _, p := range c.Plates {
			n[p]++
		}
	}
	return n
}
