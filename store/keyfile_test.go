package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plateq/plateq/store"
)

// Each step can be taken twice, as nobody knows how far one that was killed got.
func TestSealKeysOfAFileAreReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, retired := filepath.Join(dir, "keys"), filepath.Join(dir, "keys.retired")
	read := func() store.Keys {
		t.Helper()
		k, err := store.OpenKeyFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := read()
	for range 2 {
		if err := store.AddSealKey(path); err != nil {
			t.Fatal(err)
		}
	}
	both := read()
	if len(both.Seal) != 2 || both.Seal[1].Name() != first.Seal[0].Name() || string(both.Index) != string(first.Index) || string(both.Enqueue) != string(first.Enqueue) {
		t.Fatalf("the file has %d sealing keys, want the new one in front of the old and all else as it was", len(both.Seal))
	}
	for i, want := range []int{1, 0} {
		gone, err := store.RetireKeys(path, retired)
		if err != nil || len(gone) != want {
			t.Errorf("time %d: %v are gone, %v", i+1, gone, err)
		}
	}
	if k := read(); len(k.Seal) != 1 || k.Seal[0].Name() != both.Seal[0].Name() {
		t.Errorf("the file has %d sealing keys, want the new one", len(k.Seal))
	}
	text, err := os.ReadFile(retired)
	if err != nil || strings.Count(string(text), store.FormatSealKeys(first.Seal)) != 1 {
		t.Errorf("the old key is not kept once: %v", err)
	}
	for _, name := range []string{path, retired} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want it for its owner only", filepath.Base(name), info.Mode(), err)
		}
	}
}
