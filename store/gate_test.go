package store_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

func TestWhatAPersonOpensOutlastsAllElse(t *testing.T) {
	t.Parallel()
	hand, soon, late := store.Gate{}, store.Gate{Until: time.Unix(10, 0)}, store.Gate{Until: time.Unix(20, 0)}
	for _, c := range []struct {
		g, h store.Gate
		want bool
	}{{hand, late, true}, {late, hand, false}, {hand, hand, false}, {late, soon, true}, {soon, late, false}, {soon, soon, false}} {
		if got := c.g.Outlasts(c.h); got != c.want {
			t.Errorf("one until %s outlasts one until %s: %v", c.g.Until, c.h.Until, got)
		}
	}
}
