package sim

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// bodyLimit is the most a request may carry.
const bodyLimit = 64 << 20

// call is one request to a provider's route.
type call struct {
	up       upstream
	r        *http.Request
	endpoint string
	body     []byte
	plates   []string // of the submit, or of the batch that is read
	struck   []*armed // the faults that strike it, in the order in which they were set
	instead  *armed   // the first of them that replaces the answer, nil when none does

	regressions int
}

// reply is an answer before it is written.
type reply struct {
	status int
	code   string // of the provider's envelope; empty: none
	value  any    // written as JSON, or as its upstream encodes it; nil: page
	page   []byte
	header http.Header
}

func (s *Server) begin(u upstream, r *http.Request, endpoint string) (*call, error) {
	s.mu.Lock()
	s.counts.begin(endpoint)
	s.mu.Unlock()
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, bodyLimit))
	return &call{up: u, r: r, endpoint: endpoint, body: body}, err
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.inFlight--
}

// answer lets the faults strike the call, does its work unless one of them stands before it, and writes what is left
// to write. A client that leaves during a wait before the work is charged nothing.
func (s *Server) answer(w http.ResponseWriter, c *call, work func(*account) reply) {
	s.strike(c)
	if !s.delay(c) {
		return
	}
	var rep reply
	if c.instead == nil || c.instead.charges() {
		rep = s.perform(c, work)
	}
	if c.instead != nil {
		rep = c.instead.replacement(c)
	}
	if f, ok := c.fault(KindChargeThenHang); ok && !s.wait(c, f.For) {
		return
	}
	if f, ok := c.fault(KindHang); ok && f.Charge && !s.wait(c, f.For) {
		return
	}
	s.write(w, c, rep)
}

func (s *Server) strike(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.faults {
		if !a.matches(c) || !a.strikes(s.opts.Seed) {
			continue
		}
		c.struck = append(c.struck, a)
		if c.instead == nil && a.replaces() {
			c.instead = a
		}
		if !a.Kind.perRecord() {
			s.counts.faults[a.Name]++
		}
	}
}

// fault returns the first fault of this kind that strikes the call.
func (c *call) fault(k Kind) (*armed, bool) {
	for _, a := range c.struck {
		if a.Kind == k {
			return a, true
		}
	}
	return nil, false
}

// delay waits for the faults that come before the work and tells whether the client is still there.
func (s *Server) delay(c *call) bool {
	for _, a := range c.struck {
		d := a.For
		switch {
		case a.Kind == KindLatency:
			s.mu.Lock()
			a.waits++
			d += time.Duration(unit(drawAt(draw(s.opts.Seed, "jitter", a.Name), a.waits)) * float64(a.Jitter))
			s.mu.Unlock()
			d = max(d, 1) // zero is for ever
		case a.Kind == KindHang && !a.Charge:
		default:
			continue
		}
		if !s.wait(c, d) {
			return false
		}
	}
	return true
}

// wait lets d pass, or all time when it is zero, and tells whether the client is still there to be answered.
func (s *Server) wait(c *call, d time.Duration) bool {
	var over <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return true
	case <-c.r.Context().Done():
		return false
	case <-s.done:
		return false
	}
}

// perform admits the call and does its work, all under the lock.
func (s *Server) perform(c *call, work func(*account) reply) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := c.up.caller(c)
	switch {
	case a == nil:
		return c.up.refuse(noClient, "")
	case a.Disabled:
		return c.up.refuse(disabled, "")
	case a.Withheld:
		return c.up.refuse(withheld, "")
	case a.IPRefused:
		return c.up.refuse(ipRefused, "")
	}
	if why := a.admit(c.endpoint, s.now()); why != 0 {
		return c.up.refuse(why, "")
	}
	return work(a)
}

// write sends the reply, spoilt as the faults want it.
func (s *Server) write(w http.ResponseWriter, c *call, rep reply) {
	if c.instead != nil && c.instead.closes() {
		s.count(c, "closed")
		hangUp(w)
		return
	}
	body := rep.page
	if rep.value != nil {
		var contentType string
		body, contentType = c.encode(rep.value)
		w.Header().Set("Content-Type", contentType)
	}
	maps.Copy(w.Header(), rep.header)
	label := strconv.Itoa(rep.status)
	if rep.code != "" {
		label = rep.code
	}
	s.count(c, label)
	out := c.spoil(w.Header(), rep, body)
	w.Header().Set("Content-Length", strconv.Itoa(out.length))
	w.WriteHeader(rep.status)
	s.send(w, c, out)
}

// encoder is an upstream that writes what it says in another form than JSON where a call asks for it.
type encoder interface {
	encode(c *call, value any) (body []byte, contentType string, ok bool)
}

func (c *call) encode(value any) (body []byte, contentType string) {
	if e, other := c.up.(encoder); other {
		if body, contentType, ok := e.encode(c, value); ok {
			return body, contentType
		}
	}
	body, _ = json.Marshal(value) // plain structs: cannot fail
	return body, "application/json; charset=utf-8"
}

func (s *Server) count(c *call, label string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.answered(c.endpoint, label)
}

// hangUp closes the connection without a byte.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway) // a writer that has no connection, as in some tests: no envelope either
		return
	}
	_ = conn.Close() // the client is to see just this
}
