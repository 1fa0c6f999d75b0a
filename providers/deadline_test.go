package providers_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
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

// pipeServer answers each request over connections that take a while to make,
// and counts them. It is for a bubble of synctest, whose clock nobody waits for.
func pipeServer(connect time.Duration, came *atomic.Int64) *providers.Client {
	return providers.NewClient(providers.ClientOptions{Dial: func(context.Context, string, string) (net.Conn, error) {
		time.Sleep(connect)
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			if _, err := http.ReadRequest(bufio.NewReader(theirs)); err != nil {
				return
			}
			came.Add(1)
			_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}()
		return ours, nil
	}})
}

// askTwice is a provider that makes two requests for a call, with time between
// them by the clock of such a bubble.
type askTwice struct {
	single
	client  *providers.Client
	between time.Duration
}

func (a *askTwice) Submit(ctx context.Context, reqs []providers.Request) ([]providers.Outcome, error) {
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://acme.test", http.NoBody)
		if err != nil {
			return nil, err
		}
		if _, err := a.client.Do(req, "submit"); err != nil {
			return nil, err
		}
		time.Sleep(a.between)
	}
	return []providers.Outcome{{Ref: reqs[0].Ref, Record: &providers.Record{Result: []byte(`{"x":1}`)}}}, nil
}

func TestACallThatIsLateIsNotBegun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		connect, between time.Duration
		requests         int64
	}{
		"in time":                         {time.Second, time.Second, 2},
		"a connection took too long":      {30 * time.Second, 0, 0},
		"one that has begun is not ended": {time.Second, time.Minute, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var came atomic.Int64
				single := single{spec: spec(func(s *providers.Spec) { s.Timeout = time.Hour })}
				set := newSet(t, &askTwice{single: single, client: pipeServer(c.connect, &came), between: c.between})
				ctx := providers.Soon(t.Context(), time.Now(), 30*time.Second)
				outs, err := set.Submit(ctx, "fake", requests("1"))
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if came.Load() != c.requests {
					t.Errorf("%d requests came, want %d", came.Load(), c.requests)
				}
				late := errors.Is(outs[0].Err, providers.ErrLate) && errors.Is(outs[0].Err, providers.Unavailable)
				if late != (c.requests == 0) {
					t.Errorf("it ended with %v", outs[0].Err)
				}
			})
		})
	}
}
