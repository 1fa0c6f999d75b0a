package postgres_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Tests{M: m}) }

// blank is a database with the newest schema and nothing in it. Rules begin
// with a copy: the migrations took most of their time, and have tests of their
// own.
var blank = pgtest.NewTemplate(postgres.Migrate)

func TestRules(t *testing.T) {
	t.Parallel()
	storetest.RunWith(t, storetest.Traits{IntakeLife: postgres.IntakeLife}, func(t *testing.T) storetest.Open {
		url := blank.Copy(t)
		return func(o storetest.Options) (store.Store, error) {
			return postgres.Open(t.Context(), postgres.Options{URL: url, Keys: o.Keys, Simulated: o.Simulated, Region: o.Region, Now: o.Now, Retention: o.Retention})
		}
	})
}
