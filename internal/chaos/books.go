package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Row is a row as the store gives it out.
type Row struct {
	N       int // its place in the list, from 1
	Plate   string
	Status  string
	Class   string // of its error; empty: none
	Contact string // of its answer; empty: none
}

// Answer is what the provider answers about a plate: a status of a settled row,
// and what the answer holds.
type Answer struct{ Status, Contact string }

// Charge is a line of the provider's book: a call that was charged, written
// down before it was answered.
type Charge struct {
	Time    time.Time `json:"time"`
	Call    string    `json:"call"` // the provider's name of it
	Plates  []string  `json:"plates"`
	Charged int       `json:"charged"` // 0: free of charge
	Outcome string    `json:"outcome"`
}

// Event is a message that Plateq sent to another system.
type Event struct {
	ID     string // the same at every try
	Change string // what it is about
}

// Books are what is known when all is over: of one list, from three sides.
type Books struct {
	// List are the plates that were handed in, in order.
	List []string
	// Rows are those of the store, Counts its own tally of them by status, and
	// Problems what it finds wrong with itself.
	Rows     []Row
	Counts   map[string]int
	Problems []string
	// Charges are the provider's, Requests how many paid requests reached it,
	// and Needed how many the list needs.
	Charges          []Charge
	Requests, Needed int
	// Answer is what the provider answers about a plate.
	Answer func(plate string) Answer
	// Invalid says which plates no provider is to be asked about. nil: none.
	Invalid func(plate string) bool
	// Again is how often somebody asked to pay for a plate once more.
	Again map[string]int
	// Events were sent to other systems.
	Events []Event
	// Leaks are places where a plate, a contact or a secret was found in clear.
	Leaks []string
}

// ReadCharges reads the book of a stand-in. Lines that are about something else
// than a charge are passed over, and so is a last one that was cut off: nobody
// was told of it.
func ReadCharges(r io.Reader) ([]Charge, error) {
	var all []Charge
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read charges: %w", err)
		}
		var c Charge
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, fmt.Errorf("read charges: line %d: %w", len(all)+1, err)
		}
		if c.Call != "" {
			all = append(all, c)
		}
	}
}
