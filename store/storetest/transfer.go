package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/plateq/plateq/store"
)

// stays are tables, and columns as table.column, that every store has and that
// are not moved to another, and why.
var stays = map[string]string{
	"meta":             "Dump.Facts has what it keeps",
	"workers":          "those of the old store are dead to the new one",
	"chunks.behind":    "it is found anew when the chunk is offered",
	"goose_db_version": "each database has migrations of its own",
}

// Moved demands that store.Tables names every column that a store has, so that
// none that a migration adds is left behind when it is moved. has are its
// columns as table.column, by the names of a Dump; own are tables and columns
// that only this kind of store has, and why.
func Moved(tb testing.TB, has []string, own map[string]string) {
	tb.Helper()
	moved := map[string]bool{}
	for _, t := range store.Tables() {
		for _, c := range t.Columns {
			name := t.Name + "." + c.Name
			moved[name] = true
			if !slices.Contains(has, name) {
				tb.Errorf("%s is moved, and the store has no such column", name)
			}
		}
	}
	met := map[string]bool{}
	for _, name := range has {
		table, _, _ := strings.Cut(name, ".")
		excepted := false
		for _, but := range []map[string]string{stays, own} {
			for _, e := range []string{name, table} {
				if but[e] != "" {
					met[e], excepted = true, true
				}
			}
		}
		switch {
		case moved[name] && excepted:
			tb.Errorf("%s is moved, and is said not to be", name)
		case !moved[name] && !excepted:
			tb.Errorf("%s is left behind when the store is moved: name it in store.Tables, or here with the reason", name)
		}
	}
	for _, but := range []map[string]string{stays, own} {
		for e := range but {
			if !met[e] {
				tb.Errorf("%s is said not to be moved, and the store has no such thing", e)
			}
		}
	}
}
