package regnum_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/regnum"
)

// fleet is some servers of the service. What they answer can be changed.
type fleet struct {
	urls  []string
	says  []atomic.Pointer[http.HandlerFunc]
	mu    sync.Mutex
	asked []int // server by server, as they were asked
}

func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := &fleet{urls: make([]string, n), says: make([]atomic.Pointer[http.HandlerFunc], n)}
	for i := range n {
		f.set(i, newUpstream(t).ServeHTTP)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			f.asked = append(f.asked, i)
			f.mu.Unlock()
			(*f.says[i].Load())(w, r)
		}))
		t.Cleanup(srv.Close)
		f.urls[i] = srv.URL + "/bovsoft.regnum.run"
	}
	return f
}

func (f *fleet) set(i int, h http.HandlerFunc) { f.says[i].Store(&h) }

// took returns who was asked since it was last called.
func (f *fleet) took() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	return asked
}

func answer(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}
}

// hangUp ends the exchange after the request was read.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func wantAsked(t *testing.T, what string, f *fleet, want ...int) {
	t.Helper()
	got := f.took()
	if len(got) != len(want) {
		t.Fatalf("%s: got servers %v asked, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: got servers %v asked, want %v", what, got, want)
		}
	}
}

// TestNextServerIsAsked: what the first one says, and whether the second is
// asked within the same call.
func TestNextServerIsAsked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first http.HandlerFunc
		next  bool
		class providers.Class // where it is not
	}{
		"maintenance":         {answer(200, said("JSON", 503, "")), true, 0},
		"maintenance as 503":  {answer(503, said("JSON", 503, "")), true, 0},
		"bare 503":            {answer(503, ""), true, 0},
		"wrong path":          {answer(404, "<html>"), true, 0},
		"refused at the gate": {answer(403, "<html>"), true, 0},
		"broken":              {answer(200, said("JSON", 500, "")), true, 0},
		"not decoded":         {answer(404, said("JSON", 404, "")), false, providers.NotFound},
		"client not found":    {answer(200, said("JSON", 401, "")), false, providers.Unauthorised},
		"zero balance":        {answer(200, said("JSON", 402, "")), false, providers.OutOfCredit},
		"client temporary":    {answer(200, said("JSON", 403, "")), false, providers.Unauthorised},
		"no answer":           {hangUp, false, providers.Ambiguous},
		"web page":            {answer(200, "<html>"), false, providers.Ambiguous},
		"bare 502":            {answer(502, ""), false, providers.Ambiguous},
		"too many requests":   {answer(429, ""), false, providers.RateLimited},
		"word of its own":     {answer(200, said("JSON", 418, "")), false, providers.ProviderError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2)
			f.set(0, tc.first)
			o := submit(t, newProvider(t, config(f.urls...)), "AB123CD")
			if tc.next {
				wantAsked(t, "call", f, 0, 1)
				if o.Record == nil {
					t.Errorf("got %v, want the second server's answer", o.Err)
				}
				return
			}
			wantAsked(t, "call", f, 0)
			if !errors.Is(o.Err, tc.class) {
				t.Errorf("got %v, want %v", o.Err, tc.class)
			}
		})
	}
}

// TestServerThatIsDown: nothing reached it, so that the next one is asked.
func TestServerThatIsDown(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	for name, url := range map[string]string{
		"refused": closedURL(t), "no such name": "http://nobody.invalid:150/run", "no TLS": "https" + f.urls[0][len("http"):],
	} {
		f.took()
		o := submit(t, newProvider(t, config(url, f.urls[0])), "AB123CD")
		if o.Record == nil {
			t.Errorf("%s: got %v, want the second server's answer", name, o.Err)
		}
		wantAsked(t, name, f, 0)
	}
}

func closedURL(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	return srv.URL
}

// TestAllServersFail: what the call ends with.
func TestAllServersFail(t *testing.T) {
	t.Parallel()
	down, gone, refused := answer(200, said("JSON", 503, "")), answer(404, ""), answer(403, "")
	for name, tc := range map[string]struct {
		says []http.HandlerFunc
		want providers.Class
		code string
	}{
		"all in maintenance":               {[]http.HandlerFunc{down, down, down}, providers.Unavailable, "503"},
		"one is, the others are elsewhere": {[]http.HandlerFunc{gone, down, gone}, providers.Unavailable, "503"},
		"all paths are wrong":              {[]http.HandlerFunc{gone, gone, gone}, providers.Unauthorised, "wrong_path"},
		"refused at every gate":            {[]http.HandlerFunc{refused, refused, refused}, providers.Unauthorised, "http_403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, len(tc.says))
			for i, h := range tc.says {
				f.set(i, h)
			}
			o := submit(t, newProvider(t, config(f.urls...)), "AB123CD")
			wantAsked(t, "call", f, 0, 1, 2)
			e, _ := errors.AsType[*providers.Error](o.Err)
			if e == nil || e.Class != tc.want || e.Code != tc.code {
				t.Errorf("got %v, want %v (%s)", o.Err, tc.want, tc.code)
			}
		})
	}
}

// TestMemory: a server that failed stands behind the other until its rest is
// over, then one call tries it, and longer when it fails again.
func TestMemory(t *testing.T) {
	t.Parallel()
	var c clock
	f := newFleet(t, 2)
	p := newAt(t, config(f.urls...), c.now)
	ask := func(what string, want ...int) {
		t.Helper()
		if o := submit(t, p, "AB123CD"); o.Record == nil && len(want) > 0 && want[len(want)-1] != 0 {
			t.Errorf("%s: got %v, want an answer", what, o.Err)
		}
		wantAsked(t, what, f, want...)
	}
	ask("well", 0)
	f.set(0, answer(503, ""))
	ask("failed", 0, 1)
	ask("resting", 1)
	c.advance(59 * time.Second)
	ask("still resting", 1)
	c.advance(2 * time.Second)
	ask("probed", 0, 1)
	c.advance(119 * time.Second)
	ask("resting for longer", 1)
	f.set(1, answer(503, ""))
	f.set(0, newUpstream(t).ServeHTTP)
	ask("the other failed, and the first is better than its name", 1, 0)
	ask("well again", 0)
}

// TestMemoryOfDoubt: a failure that may have reached the service ends the call,
// and the repeat finds another server.
func TestMemoryOfDoubt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.set(0, hangUp)
	p := newProvider(t, config(f.urls...))
	if o := submit(t, p, "AB123CD"); !errors.Is(o.Err, providers.Ambiguous) {
		t.Errorf("got %v, want ambiguous", o.Err)
	}
	if o := submit(t, p, "AB123CD"); o.Record == nil {
		t.Errorf("got %v, want the other server's answer", o.Err)
	}
	wantAsked(t, "two calls", f, 0, 1)
}

// TestCancelledCallSaysNothingOfItsServer and asks no other.
func TestCancelledCallSaysNothingOfItsServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	f.set(0, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	p := newProvider(t, config(f.urls...))
	outs, err := newSet(t, p).Submit(ctx, regnum.Name, requests("AB123CD"))
	if err != nil || !errors.Is(outs[0].Err, providers.Ambiguous) {
		t.Errorf("got %v, %v, want ambiguous", outs, err)
	}
	f.set(0, newUpstream(t).ServeHTTP)
	submit(t, p, "AB123CD")
	wantAsked(t, "two calls", f, 0, 0)
}

// TestServersShareTheTimeOfACall: a server that takes all of it leaves none
// for the next one.
func TestServersShareTheTimeOfACall(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	f.set(0, func(w http.ResponseWriter, r *http.Request) {
		cancel() // as a deadline would
		answer(503, said("JSON", 503, ""))(w, r)
	})
	outs, err := newSet(t, newProvider(t, config(f.urls...))).Submit(ctx, regnum.Name, requests("AB123CD"))
	if err != nil || outs[0].Err == nil {
		t.Errorf("got %v, %v, want an error", outs, err)
	}
	wantAsked(t, "call", f, 0)
}

// TestLongestRestedIsTriedFirst: where none is well, the one that failed first.
func TestLongestRestedIsTriedFirst(t *testing.T) {
	t.Parallel()
	var c clock
	f := newFleet(t, 3)
	p := newAt(t, config(f.urls...), c.now)
	for i, h := range []http.HandlerFunc{hangUp, answer(200, "<html>"), hangUp} {
		f.set(i, h)
		submit(t, p, "AB123CD")
		c.advance(time.Second)
	}
	wantAsked(t, "each failed in its turn", f, 0, 1, 2)
	f.set(0, answer(503, ""))
	f.set(1, answer(503, ""))
	f.set(2, newUpstream(t).ServeHTTP)
	if o := submit(t, p, "AB123CD"); o.Record == nil {
		t.Errorf("got %v, want the last server's answer", o.Err)
	}
	wantAsked(t, "all resting", f, 0, 1, 2)
	submit(t, p, "AB123CD")
	wantAsked(t, "the last is well again", f, 2)
}

// TestTimeRunsOutOnOneServer: the next one is not asked with no time left, and
// not blamed for it.
func TestTimeRunsOutOnOneServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	slow := strings.TrimPrefix(f.urls[0], "http://")
	slow = slow[:strings.IndexByte(slow, '/')]
	p, err := regnum.New(config(f.urls...), regnum.Options{Now: func() time.Time { return noon },
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == slow {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	outs, err := newSet(t, p).Submit(ctx, regnum.Name, requests("AB123CD"))
	if err != nil || !errors.Is(outs[0].Err, providers.Unavailable) {
		t.Errorf("got %v, %v, want unavailable: nothing was sent", outs, err)
	}
	if o := submit(t, p, "AB123CD"); o.Record == nil {
		t.Errorf("got %v, want the other server's answer", o.Err)
	}
	wantAsked(t, "the next call", f, 1)
}

// TestOneCallProbes: of many calls at once one finds out how a server is whose
// rest is over.
func TestOneCallProbes(t *testing.T) {
	t.Parallel()
	var c clock
	f := newFleet(t, 2)
	f.set(0, answer(503, ""))
	p := newAt(t, config(f.urls...), c.now)
	submit(t, p, "AB123CD")
	c.advance(2 * time.Minute)
	release := make(chan struct{})
	probed := make(chan struct{})
	f.set(0, func(w http.ResponseWriter, _ *http.Request) { close(probed); <-release; w.WriteHeader(503) })
	f.took()
	var wg sync.WaitGroup
	wg.Go(func() { submit(t, p, "AB123CD") })
	<-probed
	submit(t, p, "AB123CD") // does not wait
	wantAsked(t, "a probe and a call beside it", f, 0, 1)
	close(release)
	wg.Wait()
	wantAsked(t, "the probe goes on", f, 1)
}

// TestRetryAfterIsKept where the service says when to come again.
func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	for _, status := range []int{503, 429} {
		f := newFleet(t, 1)
		f.set(0, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			_, _ = w.Write([]byte(said("JSON", status, "")))
		})
		e, _ := errors.AsType[*providers.Error](submit(t, newProvider(t, config(f.urls...)), "AB123CD").Err)
		if e == nil || !e.Until.Equal(noon.Add(2*time.Minute)) {
			t.Errorf("%d: got %+v, want it until two minutes later", status, e)
		}
	}
}

// TestSecretIsNotKept with a page that quotes the request.
func TestSecretIsNotKept(t *testing.T) {
	t.Parallel()
	for _, quote := range []string{seccode, url.QueryEscape(seccode), strings.ReplaceAll(url.QueryEscape(seccode), "+", "%20")} {
		o := submit(t, newProvider(t, config(answering(t, 502, "<html>GET /run?seccode="+quote+"&x"))), "AB123CD")
		e, _ := errors.AsType[*providers.Error](o.Err)
		if e == nil || string(e.Head) != "<html>GET /run?seccode=[secret]&x" {
			t.Errorf("got %+v, want the page without the secret", e)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   providers.Class // 0: no error
	}{
		"not decoded":       {200, said("JSON", 404, ""), 0},
		"no such request":   {400, said("JSON", 400, ""), 0},
		"too many requests": {429, said("JSON", 429, ""), 0},
		"client not found":  {200, said("JSON", 401, ""), providers.Unauthorised},
		"client temporary":  {200, said("JSON", 403, ""), providers.Unauthorised},
		"zero balance":      {200, said("JSON", 402, ""), providers.OutOfCredit},
		"maintenance":       {200, said("JSON", 503, ""), providers.Unavailable},
		"wrong path":        {404, "<html>", providers.Unauthorised},
		"a web page":        {200, "<html>", providers.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2)
			f.set(1, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("regnum") != "" {
					t.Error("got a plate, want none: it could be charged")
				}
				answer(tc.status, tc.body)(w, r)
			})
			err := newProvider(t, config(f.urls...)).Check(t.Context())
			wantAsked(t, "check", f, 0, 1)
			if (tc.want == 0) != (err == nil) || err != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
