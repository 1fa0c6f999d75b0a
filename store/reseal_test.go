package store

import (
	"strings"
	"testing"
)

// What cannot be opened is named, and stays as it is.
func TestResealNamesWhatIsDamaged(t *testing.T) {
	t.Parallel()
	k := NewKeys()
	before, err := NewSealer(k)
	if err != nil {
		t.Fatal(err)
	}
	after, err := NewSealer(k.NewSealKeys())
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range sealedColumns() {
		key, name := int64(7), " 7: "
		if c.Table == "rows" || c.Table == "asks" || c.Table == "answers" {
			key, name = int64(NewRowID(3, 7)), " 7 of batch 3: "
		}
		r, more := after.NewResealStep(ResealPlace{column: i})
		if !more {
			t.Fatalf("%s: there is no such step", c.Table)
		}
		if r.Value(key, before.Seal(c.sealed, key+1, []byte("moved"))) != nil {
			t.Errorf("%s: what belongs to another record was sealed anew", c.Table)
		}
		if r.Value(key, before.Seal(c.sealed, key, []byte("sound"))) == nil {
			t.Errorf("%s: what is sound was not sealed anew", c.Table)
		}
		end := r.End()
		if end.Damaged != 1 || !strings.Contains(end.First, name+"open "+c.sealed+": it was changed") {
			t.Errorf("%s: %d are damaged, the first: %s", c.Table, end.Damaged, end.First)
		}
	}
}
