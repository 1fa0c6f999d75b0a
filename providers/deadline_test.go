package providers_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plateq/plateq/providers"
)

func TestWithinEndsAMomentAfterItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := providers.Within(t.Context(), time.Minute)
		defer cancel()
		time.Sleep(time.Minute)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("it ended before an answer that lies there could be read")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("after its time the cause is %v", context.Cause(ctx))
		}
	})
}

func TestACallThatRunsOutOfTimeIsCalledATimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	ctx, cancel := providers.Within(t.Context(), 10*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	_, err = providers.NewClient(providers.ClientOptions{}).Do(req, "submit")
	e, ok := errors.AsType[*providers.Error](err)
	if !ok || e.Class != providers.Ambiguous || e.Code != "timeout" {
		t.Errorf("got %v, want an ambiguous timeout", err)
	}
}

func TestABoundThatIsThereAlreadyIsNotMadeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer, end := providers.Within(t.Context(), time.Minute)
		defer end()
		type key struct{}
		for _, c := range []struct {
			what  string
			from  context.Context
			d     time.Duration
			again bool
		}{
			{"as tight", outer, time.Minute, false},
			{"looser", context.WithValue(outer, key{}, 1), time.Hour, false},
			{"tighter", outer, time.Second, true},
			{"of one that was made free", context.WithoutCancel(outer), time.Hour, true},
		} {
			ctx, cancel := providers.Within(c.from, c.d)
			if again := ctx != c.from; again != c.again {
				t.Errorf("%s: bound once more: %v, want %v", c.what, again, c.again)
			}
			cancel()
		}
		if err := outer.Err(); err != nil {
			t.Errorf("the outer bound has ended with an inner one: %v", err)
		}
	})
}
