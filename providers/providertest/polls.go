package providertest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/plateq/plateq/providers"
)

func pollAfterRestart(t testing.TB, h Harness) {
	b := newRig(t, h)
	outs := b.submit(t.Context())
	for _, o := range outs {
		if o.Ticket != nil {
			*o.Ticket = roundTrip(t, *o.Ticket)
		}
	}
	b.renew()
	b.wantHappy(b.finish(outs, func(ticket providers.Ticket) providers.Ticket {
		b.renew()
		return roundTrip(t, ticket)
	}))
}

// failedPoll: whatever goes wrong with a poll, its requests stay open.
func failedPoll(t testing.TB, h Harness) {
	b := newRig(t, h)
	ticket, _ := b.ticket()
	for name, serve := range map[string]http.HandlerFunc{
		"web page":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sorry")) },
		"nothing":   func(http.ResponseWriter, *http.Request) {},
		"{}":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
		"no answer": func(w http.ResponseWriter, _ *http.Request) { hangUp(w) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.Path)
			w.WriteHeader(http.StatusPermanentRedirect)
		},
		"short of its length": rewrite(h.Happy(), func(header http.Header, body []byte) []byte {
			header.Set("Content-Length", strconv.Itoa(len(body)+10))
			return body
		}),
	} {
		b.serveFunc(serve)
		b.wantNoProgress(t.Context(), name, ticket, providers.Ambiguous, providers.Unavailable)
	}
	for status := 100; status < 600; status++ {
		b.serveFunc(plainly(status, ""))
		want := providers.Ambiguous
		if status == http.StatusTooManyRequests {
			want = providers.RateLimited
		}
		b.wantNoProgress(t.Context(), fmt.Sprintf("status %d", status), ticket, want, providers.Unavailable)
	}
	b.cutPolls()
	b.leftPolls(ticket)
}

// cutPolls cuts the answers of an upstream that knows the ticket.
func (b *rig) cutPolls() {
	b.Helper()
	upstream := b.h.Happy()
	b.serve(upstream)
	var ticket providers.Ticket
	for _, o := range b.submit(b.Context()) {
		if o.Ticket != nil {
			ticket = *o.Ticket
		}
	}
	const cuts = 40
	for i := range cuts {
		share := float64(i) / cuts
		b.serve(cutAt(upstream, share))
		b.wantNoProgress(b.Context(), fmt.Sprintf("cut at %.3f of the body", share), ticket, providers.Ambiguous, providers.Unavailable)
	}
}

// leftPolls end before their answer has come.
func (b *rig) leftPolls(ticket providers.Ticket) {
	b.Helper()
	for what, begin := range map[string]string{"slow body": "{", "no answer yet": ""} {
		ctx, cancel := context.WithCancel(b.Context())
		b.serveFunc(func(w http.ResponseWriter, r *http.Request) { stall(w, r, begin, cancel) })
		b.wantNoProgress(ctx, what, ticket, providers.Ambiguous)
	}
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	b.wantNoProgress(ctx, "cancelled", ticket, providers.Unavailable)
}

// wantNoProgress polls and wants an error of one of those classes, alone.
func (b *rig) wantNoProgress(ctx context.Context, what string, ticket providers.Ticket, want ...providers.Class) {
	b.Helper()
	got, err := b.pollUnder(ctx, ticket)
	for _, c := range want {
		if errorClass(err) == c && len(got.Outcomes) == 0 {
			return
		}
	}
	b.Errorf("%s: got %+v, %v, want an error alone, of %v", what, got, err, want)
}
