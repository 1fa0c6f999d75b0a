//go:build !chaos

package app

import (
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Tests of faults are run with a build of their own, which breaks on request:
// see the tag chaos. This one does nothing of the kind.

func broken(o Options) (Options, error) { return o, nil }

func (a *App) failing(s store.Store) store.Store { return s }

func failingProvider(p providers.Provider) providers.Provider { return p }
