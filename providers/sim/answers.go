package sim

import (
	"errors"
	"fmt"
)

// States of an Attestr record, and the outcomes that the stand-in gives.
const (
	RecordInitiated = "INITIATED"
	RecordCompleted = "COMPLETED"
	RecordErrored   = "ERRORED"

	StatusFound    = "VALID_FOUND"
	StatusNotFound = "NOT_FOUND"
	StatusBlocked  = "BLOCKED" // stands for the outcomes that the provider does not document
)

// Answers is the mix of answers: shares of any sum, each the weight of one kind of answer.
type Answers struct {
	Found     int `json:"found"`      // COMPLETED, VALID_FOUND, with a contact
	NotFound  int `json:"not_found"`  // COMPLETED, NOT_FOUND
	NoContact int `json:"no_contact"` // COMPLETED, VALID_FOUND, contact null
	Blocked   int `json:"blocked"`    // COMPLETED, an undocumented output.status, valid false
	Errored   int `json:"errored"`    // ERRORED, no output
}

// DefaultAnswers is the mix that is used where none is given: 80, 12, 3, 2, 3.
func DefaultAnswers() Answers {
	return Answers{Found: 80, NotFound: 12, NoContact: 3, Blocked: 2, Errored: 3}
}

// Answer is what becomes of a record once it is final.
type Answer struct {
	Record  string // RecordCompleted or RecordErrored
	Valid   bool
	Status  string // output.status; empty when errored
	Contact string // invented, ten digits; empty where the answer has none
}

// For returns the answer about plate: a pure function of the plate as submitted, the seed and the mix.
func (a Answers) For(plate string, seed uint64) Answer {
	at := int(unit(draw(seed, "answer", plate)) * float64(a.sum()))
	if at -= a.Found; at < 0 {
		contact := fmt.Sprintf("9%09d", draw(seed, "contact", plate)%1_000_000_000)
		return Answer{Record: RecordCompleted, Valid: true, Status: StatusFound, Contact: contact}
	}
	if at -= a.NotFound; at < 0 {
		return Answer{Record: RecordCompleted, Status: StatusNotFound}
	}
	if at -= a.NoContact; at < 0 {
		return Answer{Record: RecordCompleted, Valid: true, Status: StatusFound}
	}
	if at -= a.Blocked; at < 0 {
		return Answer{Record: RecordCompleted, Status: StatusBlocked}
	}
	return Answer{Record: RecordErrored}
}

func (a Answers) sum() int { return a.Found + a.NotFound + a.NoContact + a.Blocked + a.Errored }

func (a Answers) validate() error {
	if min(a.Found, a.NotFound, a.NoContact, a.Blocked, a.Errored) < 0 {
		return errors.New("check answers: a share is negative")
	}
	return nil
}

// draw is the source of all chance: a hash of the seed and of what is drawn for.
func draw(seed uint64, parts ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := mix(seed ^ offset)
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * prime
		}
		h = (h ^ 0xff) * prime // ends the part, a byte that UTF-8 does not use
	}
	return mix(h)
}

// drawAt is draw for the i-th of many, i not negative.
func drawAt(h uint64, i int) uint64 {
	return mix(h + uint64(i)*0x9e3779b97f4a7c15) //nolint:gosec // not negative
}

// mix is the finisher of splitmix64.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// unit maps a draw to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }
