package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Result is how one cell of the matrix went.
type Result struct {
	Cell  string // "P1"
	Fault string // in words
	Held  bool
	// Skipped says why it was not run; empty: it was.
	Skipped string
	// Plain is set where the cell has no list of its own, and no figures.
	Plain bool
	Figures
	// More is what this cell alone tells, such as "drain 10.0 s".
	More string
}

// String is the line that is printed when the cell is over.
func (r Result) String() string {
	word := "HELD"
	switch {
	case r.Skipped != "":
		return fmt.Sprintf("cell=%s result=SKIPPED %s", r.Cell, r.Skipped)
	case !r.Held:
		word = "BROKEN"
	}
	line := fmt.Sprintf("cell=%s result=%s", r.Cell, word)
	if !r.Plain {
		line += fmt.Sprintf(" lost=%d paid_twice=%d unknown=%d paid_not_stored=%d recover_s=%.1f extra_calls=%d",
			r.Lost, r.PaidTwice, r.Unknown, r.NotStored, r.Recovered.Seconds(), r.Extra)
	}
	if r.More != "" {
		line += " " + r.More
	}
	return line
}

const tableHead = `| # | fault | result | lost | paid twice | unknown | paid, not stored | seconds to recover | extra calls | and |
|---|---|---|---|---|---|---|---|---|---|
`

// Table writes results as a table of Markdown, in the order of their cells.
func Table(results []Result) string {
	sorted := slices.SortedFunc(slices.Values(results), func(a, b Result) int { return compareCells(a.Cell, b.Cell) })
	var b strings.Builder
	b.WriteString(tableHead)
	for _, r := range sorted {
		word, figures := "held", []string{"–", "–", "–", "–", "–", "–"}
		switch {
		case r.Skipped != "":
			word = "not run: " + r.Skipped
		case !r.Held:
			word = "**broken**"
		}
		if !r.Plain && r.Skipped == "" {
			for i, n := range []int{r.Lost, r.PaidTwice, r.Unknown, r.NotStored} {
				figures[i] = strconv.Itoa(n)
			}
			figures[4] = strconv.FormatFloat(r.Recovered.Seconds(), 'f', 1, 64)
			figures[5] = strconv.Itoa(r.Extra)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Cell, r.Fault, word, strings.Join(figures, " | "), r.More)
	}
	return b.String()
}

// order is that of the sections: processes, Redis, the store, the provider,
// webhooks, the network.
const order = "PRDVHN"

// compareCells puts P2 before P10, and P before R.
func compareCells(a, b string) int {
	number := func(cell string) int {
		digits := strings.TrimRight(cell[1:], "abcdefghijklmnopqrstuvwxyz")
		n, _ := strconv.Atoi(digits) // a cell that is none of ours comes first
		return n
	}
	return cmp.Or(cmp.Compare(strings.IndexByte(order, a[0]), strings.IndexByte(order, b[0])), cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
}

// Replace puts text between two lines of a page, "<!-- NAME -->" and
// "<!-- /NAME -->".
func Replace(page, name, text string) (string, error) {
	from, to := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	head, rest, ok := strings.Cut(page, from)
	_, tail, ends := strings.Cut(rest, to)
	if !ok || !ends {
		return "", fmt.Errorf("replace %s: the page has no place for it", name)
	}
	return head + from + text + to + tail, nil
}
