package main

import "fmt"

// promise is how much of what Plateq takes longer than a loop is what it
// promises, and how much is all else that it does.
type promise struct{ t markdown }

// add compares the contenders of a contest, if those that it takes have run.
func (p *promise) add(what string, c contest, all results) {
	plain, sealed := c.base()
	if len(all["plateq"]) == 0 || len(all[plain]) == 0 || len(all[sealed]) == 0 {
		return
	}
	p.t.add(what, fmt.Sprintf("%.2f", speed(all, sealed, plain)), fmt.Sprintf("%.2f", speed(all, "plateq", plain)),
		fmt.Sprintf("%.2f", speed(all, "plateq", sealed)))
}

// String writes the table.
func (p *promise) String() string {
	p.t.head = []string{"work", "by hand, sealed and claimed, of plain", "Plateq, of plain", "Plateq, of by hand, sealed and claimed"}
	return p.t.String()
}
