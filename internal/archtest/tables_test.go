package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pipe stands between cells, unless it is escaped.
var pipe = regexp.MustCompile(`\\.|\|`)

// cells counts those of a line of a table.
func cells(line string) int {
	line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|")
	n := 1
	for _, m := range pipe.FindAllString(line, -1) {
		if m == "|" {
			n++
		}
	}
	return n
}

// ragged returns the numbers of lines that have another number of cells than the
// header of their table.
func ragged(page string) []int {
	var wrong []int
	fenced, want := false, 0
	for i, line := range strings.Split(page, "\n") {
		fenced = fenced != strings.HasPrefix(line, "```")
		switch {
		case fenced || !strings.HasPrefix(line, "|"):
			want = 0
		case want == 0:
			want = cells(line)
		case cells(line) != want:
			wrong = append(wrong, i+1)
		}
	}
	return wrong
}

// TestTablesAreWhole: a row with a cell too many or too few is shown shifted, or
// cut off.
func TestTablesAreWhole(t *testing.T) {
	t.Parallel()
	if got := ragged("| a | b |\n|---|---|\n| 1 | 2 |\n| | 1 | 2 | |\n| `x\\|y` | z |\n| 1 |\n"); len(got) != 2 || got[0] != 4 || got[1] != 6 {
		t.Errorf("lines %v are said to be wrong, want 4 and 6", got)
	}
	root := filepath.Join("..", "..")
	pages := 0
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path != root && strings.HasPrefix(e.Name(), ".") {
			return filepath.SkipDir
		}
		if e.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		pages++
		text, err := os.ReadFile(path)
		for _, line := range ragged(string(text)) {
			t.Errorf("%s:%d: not as many cells as the header has", path, line)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 30 {
		t.Errorf("only %d pages were looked at", pages)
	}
}
