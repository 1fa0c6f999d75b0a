package sqlite_test

import (
	"testing"

	"github.com/plateq/plateq/store/storetest"
)

func TestOrphansAreBounded(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	s.MaxOrphans(3)
	storetest.CrowdOrphans(t, s, 3)
}
