package jobs

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/store"
)

// resendAtOnce bounds how many calls are resent at once.
const resendAtOnce = 1000

// resendReason is written down where a rule decides.
const resendReason = "ON_UNKNOWN=resend"

// ResendUnknown asks again what calls of a provider have left unknown, by the
// rule that the operator switched on, and returns how many rows that is for. A
// question is resent once by the rule, until it has an answer: a provider that
// takes money and never answers is not paid for ever.
func ResendUnknown(ctx context.Context, st store.Store, provider string, log zerolog.Logger) (rows int, err error) {
	calls, err := st.Unknowns(ctx, store.UnknownFilter{Provider: provider, Untried: true, Limit: resendAtOnce})
	if err != nil {
		return 0, fmt.Errorf("list unknown calls: %w", err)
	}
	for _, c := range calls {
		taken, err := st.Resend(ctx, c.Call, store.Decision{By: store.ByPolicy, Reason: resendReason})
		if err != nil {
			return rows, err
		}
		rows += taken.Rows
		if taken.Rows > 0 {
			log.Warn().Int64("call", int64(c.Call)).Int("asks", taken.Asks).Int("rows", taken.Rows).
				Msg("what became of a call is not known: it is sent again by the rule, and may be paid twice")
		}
	}
	return rows, nil
}

// resendUnknown does so after a settlement that may have left something
// unknown. What fails here is done by the scheduler.
func (w *Worker) resendUnknown(ctx context.Context, l *line, s store.Settlement) {
	if !l.limits.ResendUnknown || !leavesUnknown(s) {
		return
	}
	if _, err := ResendUnknown(context.WithoutCancel(ctx), w.opts.Store, l.spec.Name, l.log); err != nil {
		l.log.Debug().Err(err).Msg("resend what is unknown")
	}
}

func leavesUnknown(s store.Settlement) bool {
	if s.Rest != nil && s.Rest.To == store.Unknown {
		return true
	}
	for _, v := range s.Verdicts {
		if v.To == store.Unknown {
			return true
		}
	}
	return false
}
