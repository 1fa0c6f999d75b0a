package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"syscall"
	"time"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/doctor"
	"github.com/plateq/plateq/internal/metrics"
	"github.com/plateq/plateq/jobs"
)

// listenAdmin takes the address of /metrics and of profiles, for a process that
// stays. Of several on one machine the first gets the one that nobody chose.
func (a *App) listenAdmin(ctx context.Context) error {
	addr := a.opts.Config.AdminListen
	if !a.opts.Stays || addr == config.Nowhere {
		return nil
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) && addr == config.DefaultAdminListen {
		a.log.Warn().Str("address", addr).Msg("another process has this address: this one serves no /metrics unless PLATEQ_ADMIN_LISTEN names another")
		return nil
	}
	if err != nil {
		return Usage(fmt.Errorf("listen on %s: %w: choose another PLATEQ_ADMIN_LISTEN, or %s", addr, reasonOf(err), config.Nowhere))
	}
	a.admin = &listener{on: on, server: &http.Server{
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10, // profiles take as long as they are asked to
	}}
	a.closers = append(a.closers, func() error {
		_ = on.Close() // by the server already, where it has served
		return a.admin.server.Close()
	})
	return nil
}

// openAdmin says what the address serves. Profiles tell much of a process, so
// that they are for its own machine only.
func (a *App) openAdmin() {
	if a.admin == nil {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.readyz)
	var spool metrics.Spool
	if a.spool != nil {
		spool = a.spool.Use
	}
	mux.Handle("GET /metrics", metrics.Handler(a.meter, a.fleet(), spool, Version()))
	if doctor.Local(a.admin.on.Addr().String()) {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		a.admin.server.Handler = ownName(mux)
		return
	}
	a.admin.server.Handler = mux
}

// readyz says, for a process that may have no API, whether what it stands on is
// there.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	if err := errors.Join(a.ready(r.Context())...); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// fleet reads how all processes together stand. Those that only work tell of
// themselves, so that a fleet of them does not ask the store all the time.
func (a *App) fleet() *metrics.Fleet {
	if a.parts&(Scheduler|Server) == 0 {
		return nil
	}
	o := metrics.FleetOptions{
		Books: a.store, Limits: a.limits, Budgets: a.opts.Config.Budgets(), Now: a.now, Log: a.log,
		Queues: jobs.NewQueues(a.redis).List,
		Pace: func(ctx context.Context) (map[string]jobs.Pace, error) {
			all := map[string]jobs.Pace{}
			for _, name := range a.set.Names() {
				spec, err := a.set.Spec(name)
				if err != nil {
					return all, err
				}
				if all[name], err = jobs.ReadPace(ctx, a.redis, spec, a.limits[name]); err != nil {
					return nil, err
				}
			}
			return all, nil
		},
	}
	return metrics.NewFleet(o)
}

// ownName answers requests to this machine's own name only, so that no page of
// another name that points here reads anything.
func ownName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			http.Error(w, "ask for localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// AdminURL is where /metrics are served, or "".
func (a *App) AdminURL() string {
	if a.admin == nil {
		return ""
	}
	return "http://" + a.admin.on.Addr().String()
}
