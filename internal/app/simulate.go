package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/sim"
)

// SimulateOptions say what the stand-ins are to be like.
type SimulateOptions struct {
	Listen string // host:port, a loopback address
	// Ledger is the path of the file with every charge, synced before each
	// answer and read again at the start; empty: kept in memory.
	Ledger string
	// Preset is demo, fast or hostile.
	Preset string
	Seed   uint64
	// Faults are such as "charge_then_close,where=submit,rate=0.1".
	Faults []string
	// WebhookURL is where webhooks go that a submit asks for, with the token and
	// the secret of the configuration or, without these, the stand-in's own;
	// empty: nowhere. WebhookFaults are such as "dup=0.2,forge=0.1,lost=0.1".
	WebhookURL, WebhookFaults string
	// Ready is told the address once it listens. May be nil.
	Ready func(addr string)
}

// Simulate plays the upstreams until ctx ends.
func Simulate(ctx context.Context, o Options, s SimulateOptions) error {
	opts, err := standInOptions(o, s)
	if err != nil {
		return Usage(err)
	}
	srv, err := sim.New(opts)
	if err != nil {
		return errors.Join(fmt.Errorf("start the stand-in: %w", err), opts.Journal.Close())
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return errors.Join(Usage(fmt.Errorf("listen on %s: %w", s.Listen, reasonOf(err))), srv.Close())
	}
	if s.Ready != nil {
		s.Ready(on.Addr().String())
	}
	web := &http.Server{Handler: srv.Handler(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(on) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = errors.Join(srv.Close(), web.Close())
		if serve := <-ended; !errors.Is(serve, http.ErrServerClosed) {
			err = errors.Join(err, serve)
		}
	}
	return err
}

// firstOf returns the first of several secrets, else the stand-in's own.
func firstOf(s providers.Secret) string {
	first, _, _ := strings.Cut(s.Reveal(), ",")
	return cmp.Or(strings.TrimSpace(first), sim.DefaultToken)
}

func standInOptions(o Options, s SimulateOptions) (sim.Options, error) {
	presets := map[string]func() sim.Options{"": sim.Demo, "demo": sim.Demo, "fast": sim.Fast, "hostile": sim.Hostile}
	preset, ok := presets[s.Preset]
	if !ok {
		return sim.Options{}, fmt.Errorf("there is no preset %q: choose demo, fast or hostile", s.Preset)
	}
	opts := preset()
	if o.Now != nil {
		opts.Now = o.Now
	}
	if s.Seed != 0 {
		opts.Seed = s.Seed
	}
	for _, text := range s.Faults {
		f, err := sim.ParseFault(text)
		if err != nil {
			return sim.Options{}, fmt.Errorf("read fault %q: %w", text, err)
		}
		opts.Faults = append(opts.Faults, f)
	}
	opts.Webhooks = sim.Webhooks{
		URL: s.WebhookURL, Token: firstOf(o.Config.Attestr.WebhookToken), Secret: firstOf(o.Config.Attestr.ClientSecret),
	}
	if err := sim.ParseWebhooks(s.WebhookFaults, &opts.Webhooks); err != nil {
		return sim.Options{}, err
	}
	opts.Journal = sim.MemoryJournal()
	if s.Ledger != "" {
		j, err := sim.FileJournal(s.Ledger, true)
		if err != nil {
			return sim.Options{}, fmt.Errorf("open ledger %s: %w", s.Ledger, err)
		}
		opts.Journal = j
	}
	return opts, nil
}
