package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

func TestRules(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Open {
		path := filepath.Join(t.TempDir(), "plateq.db")
		return func(o storetest.Options) (store.Store, error) {
			return sqlite.Open(t.Context(), sqlite.Options{Path: path, Keys: o.Keys, Simulated: o.Simulated, Now: o.Now})
		}
	})
}
