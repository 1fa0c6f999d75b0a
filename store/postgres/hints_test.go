package postgres_test

import (
	"testing"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

func TestOrphansAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
	s.MaxOrphans(3)
	storetest.CrowdOrphans(t, s, 3)
}
