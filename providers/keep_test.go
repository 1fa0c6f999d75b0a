package providers_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plateq/plateq/providers"
)

// pipes is a server's end of connections without a network.
type pipes struct {
	conns chan net.Conn
	made  atomic.Int32
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.conns) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.made.Add(1)
	p.conns <- theirs
	return ours, nil
}

// A server may tire of a connection after a few seconds, and one that it ends
// while a request is on its way leaves a call unknown.
func TestAPaidConnectionIsUsedAgainAtOnceOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		free  bool
		pause time.Duration
		conns int32
	}{
		{"at once", false, 0, 1},
		{"soon", false, 900 * time.Millisecond, 1},
		{"later", false, 1100 * time.Millisecond, 3},
		{"later, free", true, 20 * time.Second, 1},
		{"much later, free", true, 40 * time.Second, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pipes{conns: make(chan net.Conn)}
				srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Hour}
				go func() { _ = srv.Serve(p) }()
				client := providers.NewClient(providers.ClientOptions{Free: tc.free, Dial: p.dial})
				for range 3 {
					if _, err := client.Do(request(t, t.Context(), http.MethodPost, "http://provider.test"), "submit"); err != nil {
						t.Fatal(err)
					}
					time.Sleep(tc.pause)
					synctest.Wait()
				}
				if got := p.made.Load(); got != tc.conns {
					t.Errorf("got %d connections for three requests, want %d", got, tc.conns)
				}
				_ = srv.Close()
				time.Sleep(time.Minute) // until the client has let go of them all
			})
		})
	}
}
