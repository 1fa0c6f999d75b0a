package scheduler

import (
	"context"
	"time"
)

// expireEvery is the pause between two looks for lists whose time is over.
const expireEvery = 10 * time.Minute

// expireOn lets go of lists whose time is over. What is cut off in the middle is
// gone on with when it looks next.
func (s *Scheduler) expireOn(ctx context.Context) {
	quiet := &once{log: s.opts.Log}
	for {
		quiet.tell(s.Expire(ctx), "delete rows whose time is over")
		if !sleep(ctx, expireEvery, nil) {
			return
		}
	}
}

// Expire deletes what lists hold of people whose time is over.
func (s *Scheduler) Expire(ctx context.Context) error {
	gone, err := s.opts.Store.Expire(ctx)
	if gone.Any() {
		s.opts.Log.Info().Int("lists", gone.Lists).Int("rows", gone.Rows).Int("answers", gone.Asks).
			Msg("lists whose time is over have no rows any more")
	}
	if gone.Given > 0 {
		s.opts.Log.Warn().Int("asks", gone.Given).
			Msg("of these nobody ever learnt what had become of them: they are given up, and what they may have cost stays in the books")
	}
	return err
}
