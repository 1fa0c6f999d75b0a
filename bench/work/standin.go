package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/providers/sim"
)

// bodySize is how long an answer to a single look-up is.
const bodySize = 600

// pageSize is how many records of a batch one read brings.
const pageSize = 200

// standIn is the stand-in of the providers, as a process of its own.
type standIn struct {
	*rig.Process
	url string
}

func (b *bench) startStandIn(ctx context.Context, dir string, t task) (*standIn, error) {
	port, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort("127.0.0.1", port)
	p, err := b.start("stand-in", dir, role{As: "stand-in", URL: addr, Delay: t.delay})
	if err != nil {
		return nil, err
	}
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return &standIn{Process: p, url: "http://" + addr}, conn.Close()
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-p.Done():
			return nil, errors.New("the stand-in has ended: see its log")
		case <-ctx.Done():
			p.Kill()
			return nil, ctx.Err()
		}
	}
}

func (s *standIn) end() { s.Kill() }

// standIn plays the providers: every plate is found, nothing is ever refused.
func (r role) standIn(ctx context.Context) error {
	o := sim.Options{Answers: sim.Answers{Found: 1}, Accounts: []sim.Account{
		{Provider: "attestr", Name: "bench", Token: sim.DefaultToken, Credit: sim.Unlimited, PageMax: pageSize},
	}}
	if r.Delay > 0 {
		o.Faults = []sim.Fault{{Kind: sim.KindLatency, For: r.Delay}}
	}
	srv, err := sim.New(o)
	if err != nil {
		return fmt.Errorf("start the stand-in: %w", err)
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", r.URL)
	if err != nil {
		return errors.Join(fmt.Errorf("start the stand-in: %w", err), srv.Close())
	}
	web := &http.Server{Handler: padded(srv.Handler()), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = web.Close() })
	return web.Serve(on)
}

// padded makes answers of AOPay bodySize long, by a field that nobody asks for.
func padded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/aopay/") {
			w = &padding{ResponseWriter: w}
		}
		next.ServeHTTP(w, r)
	})
}

// padding puts a field before the others of the object that is written.
type padding struct {
	http.ResponseWriter
	field string
}

const remark = `{"remark":"`

// WriteHeader implements http.ResponseWriter.
func (p *padding) WriteHeader(status int) {
	n, err := strconv.Atoi(p.Header().Get("Content-Length"))
	if fill := bodySize - n - len(remark) - 1; err == nil && fill > 0 {
		p.field = remark + strings.Repeat("x", fill) + `",`
		p.Header().Set("Content-Length", strconv.Itoa(n+len(p.field)-1))
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (p *padding) Write(text []byte) (int, error) {
	if p.field == "" || len(text) == 0 {
		return p.ResponseWriter.Write(text)
	}
	whole := append([]byte(p.field), text[1:]...)
	p.field = ""
	if _, err := p.ResponseWriter.Write(whole); err != nil {
		return 0, err
	}
	return len(text), nil
}
