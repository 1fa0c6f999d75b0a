package providers

import "slices"

// Choice is a group of columns of which a row fills one way: a vehicle is
// named by its plate, or its VIN, or its body number.
type Choice struct {
	// Name is stable, shown and begins the code of an error: "vehicle".
	Name string
	// Ways are in order of precedence: of those that a row fills the first is
	// asked with, and the columns of the others are not sent.
	Ways []Way
}

// Way is one way to fill a Choice.
type Way struct {
	Needs []Column // all of them
	May   []Column // sent along where the row has them
}

// Way returns the way by which s fills the choice. False: it fills none.
func (c Choice) Way(s Subject) (Way, bool) {
	i := slices.IndexFunc(c.Ways, func(w Way) bool { return w.filledBy(s) })
	if i < 0 {
		return Way{}, false
	}
	return c.Ways[i], true
}

func (w Way) filledBy(s Subject) bool {
	return !slices.ContainsFunc(w.Needs, func(c Column) bool { return s[c] == "" })
}

func (w Way) columns() []Column { return slices.Concat(w.Needs, w.May) }

// Asked returns a new subject with what a provider is sent of s: the columns
// that it uses, without those of a way that another one keeps out. unfilled
// are the choices that s fills in no way.
func (s Spec) Asked(of Subject) (asked Subject, unfilled []Choice) {
	asked = of.Keep(s.Uses)
	for _, c := range s.Choices {
		taken, ok := c.Way(of)
		if !ok {
			unfilled = append(unfilled, c)
			continue
		}
		for _, w := range c.Ways {
			for _, col := range w.columns() {
				if !slices.Contains(taken.columns(), col) {
					delete(asked, col)
				}
			}
		}
	}
	return asked, unfilled
}

// checkChoices returns what is wrong with the choices of a spec.
func checkChoices(s Spec) (bad []string) {
	owner := map[Column]string{}
	for _, c := range s.Needs {
		owner[c] = "Needs"
	}
	for _, c := range s.Choices {
		if !isName(c.Name) || len(c.Ways) == 0 {
			bad = append(bad, "a choice must have a name and ways")
		}
		for _, w := range c.Ways {
			if len(w.Needs) == 0 {
				bad = append(bad, "choice "+c.Name+": a way must need a column")
			}
			if !subset(w.columns(), s.Uses) {
				bad = append(bad, "choice "+c.Name+": its columns must be among Uses")
			}
			for _, col := range w.columns() {
				if by := owner[col]; by != "" && by != c.Name {
					bad = append(bad, "choice "+c.Name+": column "+string(col)+" belongs to "+by)
				}
				owner[col] = c.Name
			}
		}
	}
	return bad
}
