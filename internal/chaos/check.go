package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Invariant is one of what must hold whatever breaks.
type Invariant string

// The invariants.
const (
	Balance Invariant = "I1" // every row is in one state, and the states add up
	Kept    Invariant = "I2" // every row that was accepted is there, in its place, and settled
	Once    Invariant = "I3" // nothing is paid twice
	Stored  Invariant = "I4" // what was paid for is there as it was answered
	Honest  Invariant = "I5" // what was charged and has no answer is unknown, nothing else
	Single  Invariant = "I6" // one row a row, one message a change
	Private Invariant = "I7" // no plate, contact or secret is anywhere in clear
)

// Finding says that an invariant does not hold, and how.
type Finding struct {
	Of   Invariant
	Text string
}

func (f Finding) String() string { return string(f.Of) + ": " + f.Text }

// Figures are what a fault has cost.
type Figures struct {
	Lost      int // rows that are not there, or not settled
	PaidTwice int // plates that were charged more often than somebody asked for
	Unknown   int // rows of which nobody can know
	AtRisk    int // of these, the ones that were charged
	NotStored int // rows that were charged, have no answer, and are not unknown
	Extra     int // paid requests beyond those that the list needs
	// Recovered is the time from the end of the fault to the last row.
	Recovered time.Duration
}

// Check holds the books against each other.
func (b Books) Check() (Figures, []Finding) {
	c := checking{Books: b, paid: map[string]int{}}
	for _, charge := range b.Charges {
		if charge.Charged == 0 {
			continue
		}
		for _, p := range charge.Plates {
			c.paid[p]++
		}
	}
	c.balance()
	c.rows()
	c.charges()
	c.events()
	c.Extra = max(0, b.Requests-b.Needed)
	for _, where := range b.Leaks {
		c.find(Private, 1, "something personal or secret is in clear: "+where)
	}
	return c.Figures, c.findings
}

// checking is one Check.
type checking struct {
	Books
	Figures
	paid     map[string]int // by plate
	findings []Finding
}

// find notes that n of something are not as they must be.
func (c *checking) find(of Invariant, n int, what string) {
	if n > 0 {
		c.findings = append(c.findings, Finding{of, fmt.Sprintf("%d × %s", n, what)})
	}
}

func open(status string) bool {
	return status == "queued" || status == "sending" || status == "waiting"
}

// balance is I1.
func (c *checking) balance() {
	sum, by := 0, map[string]int{}
	for _, n := range c.Counts {
		sum += n
	}
	if sum != len(c.List) {
		c.find(Balance, 1, fmt.Sprintf("the store counts %d rows of a list of %d", sum, len(c.List)))
	}
	for _, r := range c.Rows {
		by[r.Status]++
	}
	for status, n := range c.Counts {
		if by[status] != n {
			c.find(Balance, 1, fmt.Sprintf("the store counts %d rows as %s and gives out %d", n, status, by[status]))
		}
	}
	for _, p := range c.Problems {
		c.find(Balance, 1, "the store's own check: "+p)
	}
}

// rows is I2, and I4 to I6 as far as rows tell.
func (c *checking) rows() {
	seen := make([]bool, len(c.List))
	misplaced, twice, wrong, made, hidden := 0, 0, 0, 0, 0
	for i, r := range c.Rows {
		switch {
		case r.N < 1 || r.N > len(c.List) || c.List[r.N-1] != r.Plate && !c.invalid(c.List[r.N-1]):
			misplaced++
			continue
		case seen[r.N-1]:
			twice++
			continue
		case i > 0 && c.Rows[i-1].N >= r.N:
			misplaced++
		}
		seen[r.N-1] = true
		paid := c.paid[r.Plate] > 0
		switch {
		case open(r.Status):
			c.Lost++
		case r.Status == "unknown":
			c.Unknown++
			if paid {
				c.AtRisk++
			}
		case c.invalid(c.List[r.N-1]):
			if r.Status != "invalid" {
				wrong++
			}
		case !answered(r) && paid:
			hidden++
		case r.Status != "failed" && !paid:
			made++
		case paid && c.Answer(r.Plate) != (Answer{r.Status, r.Contact}):
			wrong++
		}
	}
	for _, there := range seen {
		if !there {
			c.Lost++
		}
	}
	c.NotStored = hidden + wrong
	c.find(Kept, c.Lost, "a row is missing, or has not come to its end")
	c.find(Kept, misplaced, "a row is not in its place")
	c.find(Single, twice, "a row came out twice")
	c.find(Stored, wrong, "a row does not say what the provider answered")
	c.find(Stored, made, "a row has an answer that nobody gave")
	c.find(Honest, hidden, "a row was charged, has no answer, and is not unknown")
}

func (c *checking) invalid(plate string) bool { return c.Invalid != nil && c.Invalid(plate) }

// answered reports whether the provider has had its say about a row. A row that
// failed for another reason was, as far as the store knows, never accepted.
func answered(r Row) bool {
	switch r.Status {
	case "found", "not_found":
		return true
	case "failed":
		return slices.Contains([]string{"provider_error", "missing_at_provider", "provider_timeout", "given_up"}, r.Class)
	}
	return false
}

// charges is I3.
func (c *checking) charges() {
	foreign, listed := 0, map[string]bool{}
	for _, p := range c.List {
		listed[p] = true
	}
	for p, n := range c.paid {
		if n > 1+c.Again[p] {
			c.PaidTwice++
		}
		if !listed[p] {
			foreign++
		}
	}
	c.find(Once, c.PaidTwice, "a plate was charged more than once")
	c.find(Once, foreign, "a plate was charged that is on no list")
}

// events is I6 of messages.
func (c *checking) events() {
	names := map[string]string{}
	twice := 0
	for _, e := range c.Events {
		if was, told := names[e.Change]; told && was != e.ID {
			twice++
		}
		names[e.Change] = e.ID
	}
	c.find(Single, twice, "a change was told of under two names")
}

// Text joins findings, one a line.
func Text(findings []Finding) string {
	lines := make([]string, len(findings))
	for i, f := range findings {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}
