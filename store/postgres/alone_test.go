package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
)

// TestWhoIsCutOffLeavesNoLock ends what one process does alone at any moment,
// that of its lock above all: then it is another's turn, at once.
func TestWhoIsCutOffLeavesNoLock(t *testing.T) {
	t.Parallel()
	url := blank.Copy(t)
	keys := store.NewKeys()
	one := open(t, postgres.Options{URL: url, Keys: keys})
	other := open(t, postgres.Options{URL: url, Keys: keys})
	for i := range 500 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Microsecond)
		err := one.Alone(ctx, "a test", func(ctx context.Context) error { return ctx.Err() })
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		ran := false
		err = other.Alone(t.Context(), "a test", func(context.Context) error { ran = true; return nil })
		if err != nil || !ran {
			t.Fatalf("cut off after %d µs: the other has its turn: %v, %v", i, ran, err)
		}
	}
}
