package sqlite_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// What was erased is in none of the files any more, not even sealed.
func TestErasedBytesAreGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "plateq.db")
	keys := store.NewKeys()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.TellCanaries(t, s)
	var sealed [][]byte
	for _, query := range []string{"SELECT group_concat(hex(line)) FROM rows", "SELECT group_concat(hex(question)) FROM asks", "SELECT group_concat(hex(body)) FROM answers"} {
		all, err := s.Ask(t.Context(), query)
		if err != nil || all == "" {
			t.Fatalf("%s: %q %v", query, all, err)
		}
		for value := range strings.SplitSeq(all, ",") {
			b, err := hex.DecodeString(value)
			if err != nil {
				t.Fatal(err)
			}
			sealed = append(sealed, b)
		}
	}
	sealer, err := store.NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	key, err := sealer.PersonKey(store.ByPlate, storetest.Canaries()[0])
	if err != nil {
		t.Fatal(err)
	}
	found := func() (n int) {
		for _, name := range sqlite.Files(path) {
			b, err := os.ReadFile(name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			for _, value := range sealed {
				n += bytes.Count(b, value[8:40])
			}
		}
		return n
	}
	if found() == 0 {
		t.Fatal("nothing is in the files to begin with")
	}
	e := store.Erasure{ID: "e_1", Keys: []store.PersonKey{key}}
	if _, err := store.EraseAll(t.Context(), s, e, func([]store.PersonKey, time.Time) error { return nil }, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if n := found(); n > 0 {
		t.Errorf("%d of %d values are still in the files", n, len(sealed))
	}
}
