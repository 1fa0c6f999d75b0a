package providers

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// handshake is how long the two sides may take to agree on TLS.
const handshake = 10 * time.Second

// wire is a connection to a provider with what is buffered of it. One exchange
// uses it at a time.
type wire struct {
	net.Conn
	in    *bufio.Reader
	out   *bufio.Writer
	left  int64 // bytes that are read before the server is given up
	sent  *sent // of the request that it carries
	used  bool  // by a request before that
	since time.Time
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c}
	w.in, w.out = bufio.NewReader(reading{w}), bufio.NewWriter(writing{w})
	return w
}

type (
	reading struct{ *wire }
	writing struct{ *wire }
)

func (r reading) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongHead
	}
	n, err := r.Conn.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// Write notes that the request has begun to leave before any of it does.
func (w writing) Write(p []byte) (int, error) {
	w.sent.begin(w.used)
	return w.Conn.Write(p)
}

// quiet reports whether nothing was heard on a connection that nobody uses: a
// server that has ended it, or says something unasked, is not to be written to.
// Connections that are no sockets belong to stand-ins in the same process.
func (w *wire) quiet() bool {
	conn := w.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	return !ok || nothingToRead(socket)
}

// dialer makes connections.
type dialer struct {
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	roots *x509.CertPool // nil: those of the system
}

// connect makes one to the server of u, with TLS where its scheme says so.
func (d dialer) connect(ctx context.Context, u *url.URL) (*wire, error) {
	port := u.Port()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errScheme
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	conn, err := d.dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if u.Scheme == "http" {
		return newWire(conn), nil
	}
	secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), RootCAs: d.roots})
	ctx, cancel := context.WithTimeout(ctx, handshake)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return newWire(secure), nil
}

// server is what connections lead to.
type server struct{ scheme, host string }

func serverOf(u *url.URL) server { return server{u.Scheme, u.Host} }

// pool holds connections that nobody uses, the last one used on top.
type pool struct {
	keep time.Duration // how long
	most int           // to each server

	mu    sync.Mutex
	idle  map[server][]*wire
	sweep *time.Timer // set while there are any
}

// take returns a connection over which nothing was heard since its last
// exchange, or nil.
func (p *pool) take(from server) *wire {
	for {
		w := p.pop(from)
		if w == nil || time.Since(w.since) < p.keep && w.quiet() {
			return w
		}
		_ = w.Close()
	}
}

func (p *pool) pop(from server) *wire {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := p.idle[from]
	if len(held) == 0 {
		return nil
	}
	last := len(held) - 1
	w := held[last]
	held[last] = nil
	p.idle[from] = held[:last]
	return w
}

// put keeps a connection for the next one.
func (p *pool) put(to server, w *wire) {
	w.used, w.sent, w.since = true, nil, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle[to]) >= p.most {
		_ = w.Close()
		return
	}
	if p.idle == nil {
		p.idle = make(map[server][]*wire)
	}
	p.idle[to] = append(p.idle[to], w)
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.keep, p.close)
	}
}

// close ends the connections that were kept for long enough.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep = nil
	var oldest time.Time
	for to, held := range p.idle {
		stale := 0
		for stale < len(held) && time.Since(held[stale].since) >= p.keep {
			_ = held[stale].Close()
			stale++
		}
		held = append(held[:0:0], held[stale:]...)
		if len(held) == 0 {
			delete(p.idle, to)
			continue
		}
		p.idle[to] = held
		if oldest.IsZero() || held[0].since.Before(oldest) {
			oldest = held[0].since
		}
	}
	if !oldest.IsZero() {
		p.sweep = time.AfterFunc(p.keep-time.Since(oldest), p.close)
	}
}
