package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// way is the network before the stand-in: what a request takes until it is
// counted there. The zero value is none.
type way struct {
	least, spread time.Duration // at least, and the mean of what comes on top
	late          float64       // share of requests that take lateBy longer
	lateBy        time.Duration
}

// far is 100 ms and more away, with 2 % of requests a second late.
func far() way {
	return way{least: 100 * time.Millisecond, spread: 50 * time.Millisecond, late: 0.02, lateBy: time.Second}
}

func (w way) draw() time.Duration {
	d := w.least + time.Duration(rand.ExpFloat64()*float64(w.spread)) //nolint:gosec // no secret
	if rand.Float64() < w.late {                                      //nolint:gosec // no secret
		d += w.lateBy
	}
	return d
}

// upstream is the stand-in of the providers behind a way.
type upstream struct {
	*sim.Server
	record *record
	url    string
	web    *http.Server
}

// startUpstream plays the provider with the account on a free port.
func startUpstream(ctx context.Context, a sim.Account, c sim.Completion, w way) (*upstream, error) {
	a.Name, a.Token, a.Credit = "bench", sim.DefaultToken, sim.Unlimited
	srv, err := sim.New(sim.Options{Accounts: []sim.Account{a}, Completion: c})
	if err != nil {
		return nil, fmt.Errorf("start the stand-in: %w", err)
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the stand-in: %w", err), srv.Close())
	}
	u := &upstream{Server: srv, record: newRecord(), url: "http://" + on.Addr().String()}
	u.web = &http.Server{Handler: u.recorded(w, srv.Handler()), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = u.web.Serve(on) }() // it ends with close
	return u, nil
}

// recorded lets each request take its way and notes what it is answered.
func (u *upstream) recorded(w way, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := request{sent: time.Now()}
		if d := w.draw(); d > 0 {
			time.Sleep(d)
		}
		q.counted = time.Now()
		seen := &seen{ResponseWriter: rw}
		next.ServeHTTP(seen, r)
		q.ended, q.refused = time.Now(), seen.status == http.StatusTooManyRequests
		u.record.add(q)
	})
}

// limit changes what the account may do from now on.
func (u *upstream) limit(a sim.Account) error {
	a.Name, a.Token, a.Credit = "bench", sim.DefaultToken, sim.Unlimited
	if err := u.SetAccount(a); err != nil {
		return fmt.Errorf("change the limit: %w", err)
	}
	return nil
}

func (u *upstream) close() {
	_ = u.Close() // nothing is kept
	_ = u.web.Close()
}

// seen remembers the status that is written through it.
type seen struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (s *seen) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets a handler take the connection.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }
