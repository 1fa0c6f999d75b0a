package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

// errNoServer says that nobody answers where a server was looked for.
var errNoServer = errors.New("no server answers")

// lookTimeout is how long a server is looked for.
const lookTimeout = 3 * time.Second

// server returns a client of the server that is running, or errNoServer.
func (c *cli) server(ctx context.Context) (*client.Client, error) {
	cl, err := client.New(c.config.ServerURL.Reveal(), client.Options{APIKey: c.config.APIKey.Reveal()})
	if err != nil {
		return nil, app.Usage(fmt.Errorf("PLATEQ_URL: %w", err))
	}
	look, stop := context.WithTimeout(ctx, lookTimeout)
	defer stop()
	err = cl.Healthy(look)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return nil, fmt.Errorf("%w at %s", errNoServer, c.config.ServerURL)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.config.ServerURL, err)
	}
	return cl, nil
}

// books returns a client of the server or, where none answers, of the store
// itself, through the same API without a listener. The caller closes what is
// open.
func (c *cli) books(ctx context.Context) (cl *client.Client, closeBooks func() error, err error) {
	if c.simulate {
		return c.rehearsal(ctx)
	}
	cl, err = c.server(ctx)
	if !errors.Is(err, errNoServer) {
		return cl, func() error { return nil }, err
	}
	if errStore := c.booksExist(); errStore != nil {
		return nil, nil, app.Usage(fmt.Errorf("%v, and %w", err, errStore)) //nolint:errorlint // one cause goes outward
	}
	return c.store(ctx)
}

// rehearsal is books for what --simulate keeps. A server that answers may be a
// real one, so it is asked only where it holds the store.
func (c *cli) rehearsal(ctx context.Context) (*client.Client, func() error, error) {
	if err := c.booksExist(); err != nil {
		return nil, nil, err
	}
	cl, closeBooks, err := c.store(ctx)
	if !app.InUse(err) {
		return cl, closeBooks, err
	}
	cl, err = c.server(ctx)
	return cl, func() error { return nil }, err
}

// store returns a client of the store itself.
func (c *cli) store(ctx context.Context) (*client.Client, func() error, error) {
	a, err := app.Open(ctx, c.calmly(), app.Books)
	if err != nil {
		return nil, nil, err
	}
	cl, err := client.New("http://localhost", client.Options{HTTPClient: &http.Client{Transport: inProcess{a.Handler()}}})
	return cl, a.Close, err
}

// booksExist reports, as an error, that there is no store to look into: a
// command that only looks makes none.
func (c *cli) booksExist() error {
	if c.config.Shared() && !c.simulate {
		return nil // what is wrong with it is said when it is opened
	}
	kept, rehearsed := filepath.Join(c.config.DataDir, "plateq.db"), filepath.Join(c.config.DataDir, "simulated", "plateq.db")
	if url := c.config.DatabaseURL.Reveal(); url != "" {
		kept = strings.TrimPrefix(url, "sqlite://")
	}
	path, hint := kept, "run a list first (plateq run), start a server (plateq up), or set PLATEQ_DATA_DIR"
	if c.simulate {
		path = rehearsed
	} else if _, err := os.Stat(rehearsed); err == nil {
		hint = "add --simulate to look into the store of rehearsals"
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return app.Usage(fmt.Errorf("there is no store at %s: %s", path, hint))
}

// withBooks configures, opens the books, and closes them when do is done.
func (c *cli) withBooks(ctx context.Context, do func(*client.Client) error) (err error) {
	if err := c.configure(); err != nil {
		return err
	}
	cl, closeBooks, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBooks()) }()
	return do(cl)
}

// inProcess is a transport that calls a handler instead of a server.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper. The answer streams: the handler
// writes as the body is read.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	body, w := io.Pipe()
	a := &answer{header: http.Header{}, body: w, begun: make(chan struct{})}
	go func() {
		defer in.Body.Close()
		defer func() {
			a.WriteHeader(http.StatusOK)
			if v := recover(); v != nil {
				_ = w.CloseWithError(io.ErrUnexpectedEOF) // as a connection that breaks off
				return
			}
			_ = w.Close()
		}()
		t.handler.ServeHTTP(a, in)
	}()
	select {
	case <-a.begun:
	case <-r.Context().Done():
		_ = body.Close()
		return nil, r.Context().Err()
	}
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: body, ContentLength: -1, Request: r,
	}, nil
}

// answer is the http.ResponseWriter of inProcess.
type answer struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	begun  chan struct{} // closed once status and sent are set
	status int
	sent   http.Header
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.begun)
	})
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}
