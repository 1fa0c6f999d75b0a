package sim

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// webPage is what a proxy in front of a provider shows.
const webPage = "<!DOCTYPE html>\n<html><head><title>Service temporarily unavailable</title></head>\n" +
	"<body><h1>Service temporarily unavailable</h1><p>The server is busy, please try again later.</p></body></html>\n"

// replaces tells that the fault gives an answer of its own in place of the true one.
func (f Fault) replaces() bool {
	return f.refusal() != "" || f.Kind.status() != 0 || f.Kind == KindHTML || f.closes()
}

// closes tells that this answer is a closed connection.
func (f Fault) closes() bool { return f.Kind == KindClose || f.Kind == KindChargeThenClose }

// charges tells that the call is served and charged although its answer is replaced.
func (f Fault) charges() bool {
	return f.Charge || f.Kind == KindChargeThenClose || f.Kind == KindChargeOn429
}

// replacement is the answer of a fault that replaces; that of one that closes is never written.
func (f Fault) replacement(c *call) reply {
	code, status := f.refusal(), f.Kind.status()
	switch {
	case code != "":
		rep, _ := c.up.coded(code) // it has matched
		rep.status = cmp.Or(f.Status, rep.status)
		return rep
	case status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect:
		return reply{status: status, header: http.Header{"Location": {c.r.URL.RequestURI()}}}
	case f.Empty:
		return reply{status: cmp.Or(status, f.Status, http.StatusOK)}
	}
	return htmlPage(cmp.Or(status, f.Status, http.StatusOK))
}

func htmlPage(status int) reply {
	return reply{status: status, page: []byte(webPage), header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}
}

// outcome is what the ledger says of the call's answer: the kind of the first fault that spoils it.
func (c *call) outcome() string {
	for _, a := range c.struck {
		if a.replaces() || a.spoils() {
			return string(a.Kind)
		}
	}
	return Answered
}

// spoils tells that a client cannot read the answer as it was meant.
func (f Fault) spoils() bool {
	switch f.Kind {
	case KindChargeThenHang, KindChargeThenCut, KindCut, KindDrip, KindCType, KindMalformed, KindGzipLie, KindBOM,
		KindHuge, KindSameID:
		return true
	case KindHang:
		return f.Charge
	}
	return false
}

// transfer is a body on its way out.
type transfer struct {
	body   []byte
	pad    int // blanks before the body
	length int // what Content-Length says
	drip   time.Duration
}

// spoil applies the faults that touch header and body.
func (c *call) spoil(h http.Header, rep reply, body []byte) transfer {
	t := transfer{body: body}
	cut, exact := -1, false
	for _, a := range c.struck {
		switch a.Kind {
		case KindCType:
			h.Set("Content-Type", cmp.Or(a.Type, "text/plain"))
		case KindGzipLie:
			h.Set("Content-Encoding", "gzip")
		case KindBOM:
			t.body = append([]byte("\ufeff"), t.body...)
		case KindMalformed:
			t.body = append(bytes.TrimRight(t.body, "}"), ',')
		case KindHuge:
			t.pad = a.n(100) << 20
		case KindDrip:
			t.drip = max(a.For, 1)
		case KindCut, KindChargeThenCut:
			cut, exact = a.n(len(t.body)/2), a.Exact
		}
		if a.RetryAfter > 0 && rep.status == http.StatusTooManyRequests {
			h.Set("Retry-After", strconv.Itoa(a.RetryAfter))
		}
	}
	t.length = t.pad + len(t.body)
	if cut >= 0 && cut < len(t.body) {
		t.body = t.body[:cut]
		if exact {
			t.length = t.pad + cut
		}
	}
	return t
}

// send writes the body. Where it is shorter than was announced, net/http closes the connection after it.
func (s *Server) send(w http.ResponseWriter, c *call, t transfer) {
	blanks := bytes.Repeat([]byte{' '}, min(t.pad, 1<<20))
	for left := t.pad; left > 0; left -= len(blanks) {
		if _, err := w.Write(blanks[:min(left, len(blanks))]); err != nil {
			return
		}
	}
	if t.drip == 0 {
		_, _ = w.Write(t.body) // a client that has left is no fault of ours
		return
	}
	flush := http.NewResponseController(w)
	for i := range t.body {
		if _, err := w.Write(t.body[i : i+1]); err != nil {
			return
		}
		_ = flush.Flush() // the next write reports the same
		if !s.wait(c, t.drip) {
			return
		}
	}
}
