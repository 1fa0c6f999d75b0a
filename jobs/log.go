package jobs

import (
	"fmt"

	"github.com/rs/zerolog"
)

// traced names the trace, if there is one.
func traced(ev *zerolog.Event, id string) *zerolog.Event {
	if id == "" {
		return ev
	}
	return ev.Str("trace_id", id)
}

// asynqLogger gives asynq's lines to ours.
type asynqLogger struct{ log zerolog.Logger }

// Debug implements asynq.Logger.
func (l asynqLogger) Debug(args ...any) { l.log.Debug().Msg(fmt.Sprint(args...)) }

// Info implements asynq.Logger.
func (l asynqLogger) Info(args ...any) { l.log.Info().Msg(fmt.Sprint(args...)) }

// Warn implements asynq.Logger.
func (l asynqLogger) Warn(args ...any) { l.log.Warn().Msg(fmt.Sprint(args...)) }

// Error implements asynq.Logger.
func (l asynqLogger) Error(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }

// Fatal is an error to us: whether the process ends is not asynq's to say.
func (l asynqLogger) Fatal(args ...any) { l.log.Error().Msg(fmt.Sprint(args...)) }
