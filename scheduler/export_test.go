package scheduler

import "context"

// Pulse is one look at whether the store is there.
func (s *Scheduler) Pulse(ctx context.Context) { s.pulse(ctx) }

// Look is one round of the loop that sweeps.
func (s *Scheduler) Look(ctx context.Context) error { return s.sweep(ctx, false) }
