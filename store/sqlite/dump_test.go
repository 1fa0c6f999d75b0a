package sqlite_test

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/store/storetest"
)

// TestADumpHasEveryColumn that this store has.
func TestADumpHasEveryColumn(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	text, err := s.Ask(t.Context(), `SELECT group_concat(t.name || '.' || c.name, ' ')
		FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
	if err != nil {
		t.Fatal(err)
	}
	has := append(strings.Fields(text), "cuts.batch") // it is batches.no
	named := map[string]string{
		"batches.cut": "cuts.cut", "wants.left": "wants.has_left", "gates.by": "gates.by_whom", "decisions.by": "decisions.by_whom",
	}
	for i, name := range has {
		if other := named[name]; other != "" {
			has[i] = other
		}
	}
	storetest.Moved(t, has, nil)
}
