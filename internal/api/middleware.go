package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"time"

	"github.com/plateq/plateq/store"
)

// handler is an http.Handler that leaves its errors to handle. An error after
// the first byte of an answer breaks the answer off.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle answers the errors of h as problems, and tells the log those that
// are ours.
func (s *server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		p, internal := problemOf(err)
		id := w.Header().Get(requestID)
		if internal {
			s.Log.Error().Str("request_id", id).Str("route", r.Pattern).Err(err).Msg("answer request")
		}
		if rec, ok := w.(*recorder); ok && rec.status != 0 {
			panic(http.ErrAbortHandler) // a cut answer must not look like a whole one
		}
		sent := *p
		sent.Request = id
		writeProblem(w, &sent)
	})
}

// requestID is the header that names a request.
const requestID = "X-Request-Id"

// observe names the request, sets the headers of every answer and writes one
// line to the log, which holds neither values of the query nor of the body.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, start := "r_"+rand.Text()[:16], s.Now()
		h := w.Header()
		h.Set(requestID, id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		endAfterChunks(h, r)
		zip := newCompressor(w, r)
		rec := &recorder{ResponseWriter: zip}
		ctx, end := s.traced(r)
		r = r.WithContext(context.WithValue(ctx, callerKey{}, &rec.caller))
		defer func() {
			end(r.Pattern, rec.status)
			s.logRequest(r, rec, id, s.Now().Sub(start))
		}()
		defer s.recovered(rec, r, id)
		next.ServeHTTP(rec, r)
		zip.end()
	})
}

// endAfterChunks ends the connection with a request that came in chunks. If it
// had a Content-Length as well, which net/http drops without a word, a proxy in
// front may think that the request ends elsewhere, and what we would read as the
// next one could be anybody's.
func endAfterChunks(h http.Header, r *http.Request) {
	if len(r.TransferEncoding) > 0 {
		h.Set("Connection", "close")
	}
}

// MethodOf is the method of a request as logs and traces have it. Of one that HTTP
// has not it is "other": anything could stand there.
func MethodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "other"
}

// batchID is the form of the id of a batch.
var batchID = regexp.MustCompile(`^b_[a-z0-9]{20}$`)

func (s *server) logRequest(r *http.Request, rec *recorder, id string, took time.Duration) {
	s.Observe(r.Pattern, rec.status, took)
	line := s.Log.Info()
	if r.Pattern == "GET /healthz" || r.Pattern == "GET /readyz" {
		line = s.Log.Debug()
	}
	line.Str("request_id", id).Str("method", MethodOf(r)).Str("route", r.Pattern)
	if id := r.PathValue("id"); batchID.MatchString(id) {
		line.Str("batch", id) // of another form it could be anything
	}
	if rec.caller.ID != "" {
		line.Str("key", rec.caller.ID)
	}
	if trace := s.Tracer.ID(r.Context()); trace != "" {
		line.Str("trace_id", trace)
	}
	line.Int("status", rec.status).Int64("bytes", rec.bytes).Dur("took", took).Msg("request")
}

// recovered answers a panic. What it panicked with stays out of the log, as it
// may quote what our code fell over.
func (s *server) recovered(rec *recorder, r *http.Request, id string) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		s.Log.Error().Str("request_id", id).Str("route", r.Pattern).Str("panic", fmt.Sprintf("%T", v)).Msg("answer request")
		if rec.status == 0 {
			p := problem(http.StatusInternalServerError, "internal", "an error that was not foreseen; the log has it")
			p.Request = id
			writeProblem(rec, p)
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	caller store.APIKey // under which it is answered
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// loopback reports whether the Host header names this machine.
func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	} else if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// unrouted answers what mux has no route for as a problem.
func (s *server) unrouted(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fallback, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &discard{header: http.Header{}}
		fallback.ServeHTTP(probe, r)
		s.handle(func(w http.ResponseWriter, _ *http.Request) error {
			if probe.status == http.StatusMethodNotAllowed {
				allow := probe.header.Get("Allow")
				w.Header().Set("Allow", allow)
				return problem(probe.status, "method_not_allowed", "this takes %s", allow)
			}
			return problem(http.StatusNotFound, "no_such_route", "there is nothing here")
		}).ServeHTTP(w, r)
	})
}

// discard finds out how a handler would answer.
type discard struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (d *discard) Header() http.Header { return d.header }

// Write implements http.ResponseWriter.
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (d *discard) WriteHeader(status int) { d.status = status }
