package jobs

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/rs/zerolog"
)

// errPanicked is what a task ended by that came to no end of its own.
var errPanicked = errors.New("panicked")

// panicked logs what recover has returned in the handler of a task, and reports
// whether that was a panic. What it was raised with is told by its type alone: it
// may quote what our code fell over, and asynq would keep it in Redis.
func panicked(log zerolog.Logger, task string, raised any) bool {
	if raised == nil {
		return false
	}
	log.Error().Str("task", task).Str("panic", fmt.Sprintf("%T", raised)).Bytes("stack", debug.Stack()).
		Msg("task panicked, it is left undone and will be rung for again")
	return true
}
