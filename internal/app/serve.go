package app

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/web"
	"github.com/plateq/plateq/jobs"
)

// listener is the HTTP API, with its pages, on its address.
type listener struct {
	server *http.Server
	on     net.Listener
	tls    bool // http.Server changes its own settings when it begins to serve
	// stopping is closed when the server begins to end.
	stopping chan struct{}
}

// listen takes the address, so that a second process finds out at its start,
// and stand-ins know where to call.
func (a *App) listen(ctx context.Context) error {
	if err := a.openAccess(ctx); err != nil {
		return err
	}
	addr := a.opts.Config.Listen
	shown, err := a.certificate()
	if err != nil {
		return Usage(err)
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return Usage(fmt.Errorf("listen on %s: %w: choose another PLATEQ_LISTEN", addr, reasonOf(err)))
	}
	server := api.NewServer(nil)
	server.ErrorLog = log.New(serverLog{a.log}, "", 0)
	a.listener = &listener{server: server, on: on, stopping: make(chan struct{})}
	if shown != nil {
		shown.secure(a.listener)
	}
	server.RegisterOnShutdown(sync.OnceFunc(func() { close(a.listener.stopping) }))
	a.closers = append(a.closers, func() error {
		_ = on.Close() // by the server already, where it has served
		return server.Close()
	})
	return nil
}

// certificate returns that of the configuration; nil: there is none.
func (a *App) certificate() (*certificate, error) {
	c := a.opts.Config
	if c.TLSCert == "" {
		return nil, nil //nolint:nilnil // none is no fault
	}
	pair, err := newCertificate(c.TLSCert, c.TLSKey, a.log)
	if err != nil {
		return nil, fmt.Errorf("PLATEQ_TLS_CERT, PLATEQ_TLS_KEY: %w", err)
	}
	return pair, nil
}

func reasonOf(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

func (l *listener) serve() error {
	var err error
	if l.tls {
		err = l.server.ServeTLS(l.on, "", "")
	} else {
		err = l.server.Serve(l.on)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

func (l *listener) shutdown(ctx context.Context) error {
	if err := l.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop listening: %w", errors.Join(err, l.server.Close()))
	}
	return nil
}

// Addr returns where the API or the webhooks listen, or "".
func (a *App) Addr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.on.Addr().String()
}

// URL is Addr as clients write it, or "".
func (a *App) URL() string {
	switch {
	case a.listener == nil:
		return ""
	case a.listener.tls:
		return "https://" + a.Addr()
	}
	return "http://" + a.Addr()
}

// serves says what the API of this process serves.
func (a *App) serves() api.Options {
	o := api.Options{
		Store: a.store, Providers: a.set, Catalogue: a.catalogue, Limits: a.limitsInUse, Pace: a.pace, Log: a.log, Now: a.now,
		Reuse: a.reuse, Price: a.price, Budgets: a.opts.Config.Budgets(), Currency: a.opts.Config.Currency, Wake: a.wakeAll, Ready: a.ready, Purposes: a.opts.Config.Purposes,
		Pause:    func(provider string) time.Duration { return a.limits[provider].PollMin },
		Deadline: func(provider string) time.Duration { return a.limits[provider].Deadline },
		ActHeads: a.actHeads,
	}
	if a.meter != nil { // one that only describes has none
		o.Observe, o.Told = a.meter.Answered, a.meter.Told
	}
	if a.tracer != nil {
		o.Tracer = a.tracer
	}
	if a.listener != nil {
		o.Stopping = a.listener.stopping
	}
	o.Receivers, _ = a.receivers() // configuration was checked
	if a.redis != nil {
		o.Queues = jobs.NewQueues(a.redis)
		o.Full = jobs.NewRoom(a.redis, a.now).Full
	}
	return o
}

func (a *App) handler(access *api.Access) http.Handler {
	o := a.serves()
	o.Access = access
	if access == nil {
		o.Operator = operator()
	}
	if a.parts&Server == 0 && a.parts&Hooks != 0 {
		return api.NewHooks(o)
	}
	return api.New(o)
}

// site is what is listened for: the API with the pages beside it, or webhooks
// alone.
func (a *App) site() (http.Handler, error) {
	served := a.handler(a.access)
	if a.parts&Server == 0 {
		return served, nil
	}
	pages, err := web.New(web.Options{API: served, Access: a.access, Secret: a.sealer.Hash("session"), Log: a.log, Now: a.now})
	if err != nil {
		return nil, fmt.Errorf("make pages: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if web.Serves(r.URL.Path) {
			pages.ServeHTTP(w, r)
			return
		}
		served.ServeHTTP(w, r)
	}), nil
}

// ready asks store and Redis whether they answer, and whether calls may start.
func (a *App) ready(ctx context.Context) []error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var errs []error
	if _, err := a.store.Gates(ctx); err != nil {
		errs = append(errs, errors.New("the store does not answer"))
	}
	if err := a.Held(); err != nil {
		errs = append(errs, err)
	}
	if a.redis != nil {
		if err := a.redis.Ping(ctx).Err(); err != nil {
			errs = append(errs, errors.New("Redis does not answer")) //nolint:staticcheck // Redis is a name
		}
	}
	return errs
}
