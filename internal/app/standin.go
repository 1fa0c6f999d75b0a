package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// standIn is the upstreams' stand-in within this process. It is reached
// without a port, and keeps its book, sealed, beside the store.
type standIn struct {
	login string // the public half of the credentials, where there are two
	token providers.Secret
	pipe  *pipe
}

// url is the base URL of a provider. The host is never looked up.
func (s *standIn) url(provider string) string { return "http://stand-in/" + provider }

func (s *standIn) dial(ctx context.Context, _, _ string) (net.Conn, error) { return s.pipe.dial(ctx) }

// standIn starts the stand-in, unless it runs already.
func (a *App) standIn() (*standIn, error) {
	if a.upstreams != nil {
		return a.upstreams, nil
	}
	file, err := sim.FileJournal(filepath.Join(a.dataDir(), "stand-in.journal"), false)
	if err != nil {
		return nil, fmt.Errorf("open the stand-in's book: %w", err)
	}
	o := sim.Demo()
	o.Now, o.Journal = a.now, sealedJournal{file, a.sealer}
	// Over TLS it would have to trust the operator's authority: there it is only polled.
	if a.listener != nil && !a.listener.tls {
		o.Webhooks = sim.Webhooks{URL: a.URL() + "/hooks/attestr", Token: sim.DefaultToken, Secret: sim.DefaultToken}
	}
	srv, err := sim.New(o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the stand-in: %w", err), file.Close())
	}
	in := &standIn{login: sim.DefaultLogin, token: sim.DefaultToken, pipe: newPipe()}
	web := &http.Server{Handler: srv.Handler(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(in.pipe) }()
	a.closers = append(a.closers, func() error {
		err := errors.Join(srv.Close(), web.Close())
		if serve := <-ended; !errors.Is(serve, http.ErrServerClosed) {
			err = errors.Join(err, serve)
		}
		return err
	})
	a.upstreams = in
	return in, nil
}

// sealedJournal keeps a stand-in's book as the store keeps its own: people
// rehearse with real lists.
type sealedJournal struct {
	sim.Journal
	sealer *store.Sealer
}

const journalColumn = "stand-in"

// Append seals a line.
func (j sealedJournal) Append(line []byte) error {
	sealed := j.sealer.Seal(journalColumn, 0, line)
	return j.Journal.Append(base64.StdEncoding.AppendEncode(nil, sealed))
}

// Replay opens the lines again.
func (j sealedJournal) Replay(each func([]byte) error) error {
	return j.Journal.Replay(func(line []byte) error {
		sealed, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(line))
		if err != nil {
			return errors.New("read the stand-in's book: a line is damaged")
		}
		text, err := j.sealer.Open(journalColumn, 0, sealed)
		if err != nil {
			return err
		}
		return each(text)
	})
}

// pipe is a listener whose connections never leave the process.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipe) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for the next connection.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and refuses new connections.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr names the listener; there is no port behind it.
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "stand-in", Net: "pipe"} }
