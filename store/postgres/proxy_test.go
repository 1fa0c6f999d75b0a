package postgres_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// cutting is how a proxy loses the answer to a commit.
type cutting int

const (
	passing   cutting = iota
	unsent            // the server never hears of it
	unread            // the server commits, and nobody hears of that
	slow              // so it does, but only after the client has given up
	endOfCuts         // how many there are
)

// proxy stands between a store and its server and cuts a connection at its
// commit when it is told to.
type proxy struct {
	server string
	l      net.Listener

	mu   sync.Mutex
	next cutting
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{server: server, l: l}
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

// cut has the next commit lost.
func (p *proxy) cut(how cutting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = how
}

func (p *proxy) take() cutting {
	p.mu.Lock()
	defer p.mu.Unlock()
	how := p.next
	p.next = passing
	return how
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
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
		how := passing
		if commit {
			how = p.take()
		}
		switch how {
		case unsent:
			return
		case unread:
			_ = client.Close()
		case slow:
			_ = client.Close()
			time.Sleep(200 * time.Millisecond)
		}
		if _, err := server.Write(request); err != nil {
			return
		}
		if how != passing {
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
