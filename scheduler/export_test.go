package scheduler

import "context"

// Look is one round of the loop that sweeps.
func (s *Scheduler) Look(ctx context.Context) error { return s.sweep(ctx, false) }
