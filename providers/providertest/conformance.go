package providertest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Row is one thing that a provider's document says: a field, a state, a code,
// a limit.
type Row struct {
	Term string // as the document writes it
	Says string // what the document says of it, in short
	Test string // "TestName" or "TestName/subtest" of the provider's package
}

// ParseConformance reads rows of three cells between tabs. Empty lines and
// lines that begin with # are left out. The error names every line that has
// an empty cell, too few or too many of them, or the term of another.
func ParseConformance(text []byte) ([]Row, error) {
	var rows []Row
	var bad []string
	seen := map[string]bool{}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = strings.TrimSpace(cells[j])
		}
		switch {
		case len(cells) != 3:
			bad = append(bad, fmt.Sprintf("line %d: got %d cells, want 3", i+1, len(cells)))
		case slices.Contains(cells, ""):
			bad = append(bad, fmt.Sprintf("line %d: a cell is empty", i+1))
		case seen[cells[0]]:
			bad = append(bad, fmt.Sprintf("line %d: %q is there twice", i+1, cells[0]))
		default:
			seen[cells[0]] = true
			rows = append(rows, Row{Term: cells[0], Says: cells[1], Test: cells[2]})
		}
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("read conformance: %s", strings.Join(bad, "; "))
	}
	return rows, nil
}

// Conformance checks the file at path, in which the package under test says
// by which test it keeps each word of its provider's document. The test must
// be there; a sub-test must be written in a test file of the package, be the
// name of a file of testdata without its ending, or be a rule.
func Conformance(t testing.TB, path string) {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // the test's own testdata
	if err != nil {
		t.Fatal(err)
	}
	rows, err := ParseConformance(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s: got no row, want one for each word of the document", path)
	}
	known := readTests(t)
	for _, r := range rows {
		test, sub, has := strings.Cut(r.Test, "/")
		if !known.funcs[test] {
			t.Errorf("%s: %s: there is no test %s", path, r.Term, test)
		} else if has && !known.names[underscored(sub)] {
			t.Errorf("%s: %s: there is no case %q for %s", path, r.Term, sub, test)
		}
	}
}

// tests are what the test files of a package define.
type tests struct {
	funcs map[string]bool
	names map[string]bool // that sub-tests may have, underscored
}

// readTests reads those of the working directory.
func readTests(t testing.TB) tests {
	t.Helper()
	known := tests{funcs: map[string]bool{}, names: map[string]bool{}}
	for _, r := range Rules() {
		known.names[underscored(r.Name)] = true
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		base, _, _ := strings.Cut(filepath.Base(f), ".")
		known.names[underscored(base)] = true
	}
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		src, err := os.ReadFile(name) //nolint:gosec // the package's own source
		if err != nil {
			t.Fatal(err)
		}
		if err := known.read(name, src); err != nil {
			t.Fatal(err)
		}
	}
	return known
}

func (k tests) read(name string, src []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, bytes.NewReader(src), parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("read tests: %w", err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && (strings.HasPrefix(n.Name.Name, "Test") || strings.HasPrefix(n.Name.Name, "Fuzz")) {
				k.funcs[n.Name.Name] = true
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				k.names[underscored(text)] = true
			}
		}
		return true
	})
	return nil
}

// underscored returns name as go test prints it.
func underscored(name string) string { return strings.ReplaceAll(name, " ", "_") }
