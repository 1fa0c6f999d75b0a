package browsertest

import _ "embed"

//go:embed rules.js
var rules string

// Accessible reports each fault of the page for those who use a keyboard, a
// screen reader or poor eyes: labels, names, headings, landmarks, contrast,
// focus, and width.
func (p *Page) Accessible() {
	p.t.Helper()
	for _, fault := range Eval[[]string](p, rules) {
		p.t.Errorf("%s: %s", p.Path(), fault)
	}
}
