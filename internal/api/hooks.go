package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

const (
	// hooksPath begins the paths of webhooks.
	hooksPath = "/hooks/"
	// maxHook bounds the body of a webhook, which is about one record.
	maxHook = 256 << 10
	// hookPatience is how long a webhook waits for the store. Who sent it is
	// told to come again rather than kept waiting.
	hookPatience = 5 * time.Second
)

// NewHooks returns the handler of webhooks alone, for a process that serves
// nothing else.
func NewHooks(o Options) http.Handler {
	s := newServer(o)
	return s.observe(s.hooks())
}

// hooks serves webhooks. They come from outside, to whatever name the process
// is reached by, and prove by themselves where they come from.
func (s *server) hooks() http.Handler {
	return s.unrouted(s.mux(s.hookRoutes()))
}

// apart serves webhooks by one handler and all else by another.
func apart(hooks, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, hooksPath) {
			hooks.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// hook takes a webhook in. It is answered by a status alone: 200 once what
// follows from it is stored.
func (s *server) hook(w http.ResponseWriter, r *http.Request) error {
	if !s.flood.admit(s.Now()) {
		return comeAgain(w, http.StatusTooManyRequests)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	if err != nil {
		return refuseHook(w, err)
	}
	name := r.PathValue("provider")
	hints, err := s.Providers.ReadCallback(name, r.Header, body)
	if err != nil {
		return refuseHook(w, err)
	}
	if len(hints) == 0 {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	leave, ok := s.flood.enter()
	if !ok {
		return comeAgain(w, http.StatusServiceUnavailable)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), hookPatience)
	defer cancel()
	got, err := s.Store.Hint(ctx, store.HintRequest{Provider: name, Hints: hints, Every: s.Pause(name)})
	if err != nil {
		s.Log.Error().Str("request_id", w.Header().Get(requestID)).Str("provider", name).Err(err).Msg("store webhook")
		return comeAgain(w, http.StatusServiceUnavailable)
	}
	s.logHook(name, hints[0].Signed, got)
	if got.New {
		s.Wake()
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// logHook says what a webhook led to and, when that changes, in which form its
// provider signs: so it can be pinned.
func (s *server) logHook(provider, signed string, got store.Hinted) {
	if last, _ := s.signed.Swap(provider, signed); last != signed && signed != "" {
		s.Log.Info().Str("provider", provider).Str("form", signed).Msg("webhooks are signed in this form")
	}
	s.Log.Debug().Str("provider", provider).Int64("ticket", int64(got.Ticket)).Bool("known", got.Ticket != 0).
		Time("due", got.Due).Msg("webhook")
}

// refuseHook answers a webhook that cannot be read or is forged. Whoever sent
// it learns no more than that.
func refuseHook(w http.ResponseWriter, err error) error {
	_, unknown := errors.AsType[*providers.UnknownError](err)
	_, large := errors.AsType[*http.MaxBytesError](err)
	status := http.StatusBadRequest
	switch {
	case unknown:
		status = http.StatusNotFound
	case large:
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, providers.Unauthorised):
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", "Basic")
	case errors.Is(err, providers.Poison):
		return err
	}
	w.WriteHeader(status)
	return nil
}

// comeAgain answers a webhook that was not taken, so that its sender may
// repeat it.
func comeAgain(w http.ResponseWriter, status int) error {
	w.Header().Set("Retry-After", strconv.Itoa(int(laterOn.Seconds())))
	w.WriteHeader(status)
	return nil
}
