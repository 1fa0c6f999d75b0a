package app

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/plateq/plateq/internal/api"
)

// flushEvery is how often it is written down when keys were used last.
const flushEvery = time.Minute

// openAccess decides who may ask the API. Without a key only this machine may:
// where others can reach it, there must be one.
func (a *App) openAccess(ctx context.Context) error {
	addr := a.opts.Config.Listen
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return Usage(fmt.Errorf("PLATEQ_LISTEN: %q is not host:port", addr))
	}
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	keys, err := a.store.APIKeys(ctx, "")
	switch {
	case err != nil:
		return fmt.Errorf("look for API keys: %w", err)
	case len(keys) == 0 && !local:
		return Usage(fmt.Errorf("PLATEQ_LISTEN: %q can be reached from other machines, and there is no API key yet: make one (plateq keys create), or use 127.0.0.1", addr))
	case len(keys) == 0 && a.parts&Server != 0:
		a.log.Info().Str("listen", addr).Msg("there is no API key: whoever is on this machine may do everything, until plateq keys create makes one")
	}
	a.access = api.NewAccess(a.store, api.AccessOptions{Needed: !local, Rate: a.opts.Config.APIRate, Now: a.now})
	return nil
}

// flushAccess writes down when keys were used, in the background and in the
// end.
func (a *App) flushAccess(ctx context.Context) error {
	if a.access == nil {
		return nil
	}
	return a.access.Flush(ctx)
}
