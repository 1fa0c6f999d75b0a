package sqlite_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blank := sync.OnceValues(func() ([]byte, error) { return makeBlank(dir) })
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "plateq.db")
		file, err := blank()
		if err != nil {
			t.Fatalf("make a blank file: %v", err)
		}
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		return func(o storetest.Options) (store.Store, error) {
			return sqlite.Open(t.Context(), sqlite.Options{Path: path, Keys: o.Keys, Simulated: o.Simulated, Region: o.Region, Now: o.Now, Retention: o.Retention})
		}
	})
}

// makeBlank returns a file with the newest schema and nothing in it, as a
// process leaves it that dies before it has signed a new store. Rules begin
// with it: the migrations took most of their time, and have tests of their own.
func makeBlank(dir string) ([]byte, error) {
	path := filepath.Join(dir, "blank.db")
	if err := sqlite.Migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
