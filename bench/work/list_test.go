package main

import (
	"path/filepath"
	"testing"
)

func TestPlatesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, from := range []int{0, 6_760_000, 66_000_000} {
		for i := range 30_000 {
			p := plate(from + i)
			if len(p) != 10 || seen[p] {
				t.Fatalf("got %s as plate %d, want another, of ten characters", p, from+i)
			}
			seen[p] = true
		}
	}
}

// TestListsAreReadAsTheyWereWritten, and what is too short is noticed.
func TestListsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := writeList(path, 9_998, 5); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := readList(path, func(seq int, p string) error {
		if seq != n || p != plate(9_998+n) {
			t.Errorf("got row %d %s, want %d %s", seq, p, n, plate(9_998+n))
		}
		n++
		return nil
	})
	if err != nil || n != 5 {
		t.Errorf("got %d rows, %v, want 5", n, err)
	}
	if err := checkResults(path, 5); err != nil {
		t.Error(err)
	}
	if err := checkResults(path, 6); err == nil {
		t.Error("5 rows were taken for 6")
	}
}
