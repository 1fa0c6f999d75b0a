package pgtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Cut is how a proxy loses the answer to a commit.
type Cut int

// The cuts.
const (
	Passing Cut = iota // none
	Unsent             // the server never hears of the commit
	Unread             // the server commits, and nobody hears of that
	Slow               // so it does, but only after the client has given up
	Cuts               // how many there are
)

// Proxy stands between a store and its server and cuts a connection at its
// commit when it is told to.
type Proxy struct {
	server string
	l      net.Listener

	mu   sync.Mutex
	next Cut
}

// StartProxy starts one, before the server with that address, for one test.
func StartProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{server: server, l: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return p.l.Addr().String() }

// Cut has the next commit lost.
func (p *Proxy) Cut(how Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = how
}

func (p *Proxy) take() Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	how := p.next
	p.next = Passing
	return how
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close() //nolint:errcheck // it may be closed already
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // likewise
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	commits := map[string]bool{} // names of prepared statements
	for first := true; ; first = false {
		request, commit, err := readRequest(client, first, commits)
		if err != nil {
			return
		}
		how := Passing
		if commit {
			how = p.take()
		}
		switch how {
		case Unsent:
			return
		case Unread:
			_ = client.Close()
		case Slow:
			_ = client.Close()
			time.Sleep(200 * time.Millisecond)
		default:
		}
		if _, err := server.Write(request); err != nil {
			return
		}
		if how != Passing {
			time.Sleep(50 * time.Millisecond) // the server may not mind that we are gone
			return
		}
	}
}

// readRequest reads what a client sends up to where it waits for an answer,
// and reports whether it is a commit.
func readRequest(r io.Reader, startup bool, commits map[string]bool) (request []byte, commit bool, err error) {
	for {
		head := make([]byte, 5)
		if startup {
			head = head[:4]
		}
		if _, err := io.ReadFull(r, head); err != nil {
			return nil, false, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, false, err
		}
		request = append(append(request, head...), body...)
		if startup {
			return request, false, nil
		}
		name, rest, _ := strings.Cut(string(body), "\x00")
		switch head[0] {
		case 'P': // Parse: statement, query
			query, _, _ := strings.Cut(rest, "\x00")
			commits[name] = query == "COMMIT"
		case 'B': // Bind: portal, statement
			statement, _, _ := strings.Cut(rest, "\x00")
			commit = commit || commits[statement]
		case 'S', 'Q', 'd', 'c', 'f', 'X', 'p', 'H':
			return request, commit, nil
		}
	}
}
