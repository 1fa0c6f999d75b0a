package app

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/doctor"
)

// flushEvery is how often it is written down when keys were used last.
const flushEvery = time.Minute

// openAccess decides who may ask the API. Without a key only this machine may:
// where others can reach it, there must be one.
func (a *App) openAccess(ctx context.Context) error {
	addr := a.opts.Config.Listen
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return Usage(fmt.Errorf("PLATEQ_LISTEN: %q is not host:port", addr))
	}
	closed := doctor.Keyless(addr)
	keys, err := a.store.APIKeys(ctx, "")
	switch {
	case err != nil:
		return fmt.Errorf("look for API keys: %w", err)
	case len(keys) == 0 && closed != nil:
		return Usage(closed)
	case len(keys) == 0 && a.parts&Server != 0:
		a.log.Info().Str("listen", addr).Msg("there is no API key: whoever is on this machine may do everything, until plateq keys create makes one")
	}
	a.access = api.NewAccess(a.store, api.AccessOptions{Needed: !doctor.Local(addr), Rate: a.opts.Config.APIRate, Now: a.now})
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
