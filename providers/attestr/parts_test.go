package attestr

import "testing"

// Where a record leaves the list and another one takes its place, a page is
// noted for more plates than it holds.
func TestPagesAreNotReliedOnWhereOneHoldsTooMany(t *testing.T) {
	t.Parallel()
	for name, final := range map[string][]int{"both final": {2, 3}, "one final": {2}, "neither final": nil} {
		c := newCursor([]string{"A", "B", "C", "D", "E", "F", "G"}, 3)
		c.place(2, 6) // the only place of the last page
		if parts := c.parts(); len(parts) != 3 {
			t.Fatalf("%s: got %+v, want three parts", name, parts)
		}
		c.place(3, 6)
		for _, i := range final {
			c.final.set(i)
		}
		if parts := c.parts(); parts != nil {
			t.Errorf("%s: got %+v, want none", name, parts)
		}
	}
}
