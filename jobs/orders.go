package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// Orders take lists in that other systems enqueue.
type Orders struct {
	// Key opens them.
	Key []byte
	// Take takes a list in, once however often it is given, and returns its
	// batch's id. *RefusedError: it never will. Any other error: not now.
	Take func(ctx context.Context, o Order) (batch string, err error)
}

// RefusedError says that a list is not taken in, whenever it comes.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return "refuse list: " + e.Err.Error() }

// Unwrap returns why.
func (e *RefusedError) Unwrap() error { return e.Err }

// orderAgain is how long a list waits that cannot be taken in now.
const orderAgain = 5 * time.Second

// startOrders begins to take lists in, if the worker does.
func (w *Worker) startOrders() error {
	if w.opts.Orders == nil {
		return nil
	}
	srv := asynq.NewServerFromRedisClient(forgetful{w.opts.Redis}, asynq.Config{
		Concurrency:              2,
		Queues:                   map[string]int{QueueOrders: 1},
		TaskCheckInterval:        time.Second,
		DelayedTaskCheckInterval: orderAgain,
		ShutdownTimeout:          lastHandlers,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return orderAgain },
		IsFailure:                func(error) bool { return false },
		Logger:                   asynqLogger{w.opts.Log},
		LogLevel:                 asynq.WarnLevel,
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(TaskSplit, w.split)
	if err := srv.Start(mux); err != nil {
		return fmt.Errorf("start to take orders: %w", err)
	}
	w.servers = append(w.servers, srv)
	return nil
}

// What asynq keeps of a list that was not taken in: in Redis there must be
// nothing that may quote the list. The log says more. Of one that is refused
// nothing else is kept, see forgetful.
var (
	errOrderRefused = fmt.Errorf("the list is refused, see the log of the worker: %w", asynq.SkipRetry)
	// errOrderForeign: the key may have been changed here or there alone. What
	// nobody could read is kept, for those who have the other key.
	errOrderForeign = fmt.Errorf("the list is sealed with another key than that of the worker: %w", asynq.SkipRetry)
	errOrderLater   = errors.New("the list cannot be taken in now, see the log of the worker")
)

// split takes in the list of a task. Unlike other tasks it comes again where
// that fails: nothing else knows of it.
func (w *Worker) split(ctx context.Context, t *asynq.Task) (err error) {
	if !w.enter() {
		return errOrderLater
	}
	defer w.running.Done()
	defer func() {
		if panicked(w.opts.Log, t.Type(), recover()) {
			err = errOrderLater
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.claims, cancel)()
	ctx, end := w.opts.Tracer.Begin(w.opts.Tracer.Carried(ctx, t.Headers()), Span{Name: t.Type(), Kind: Answers})
	err = errPanicked
	defer func() { end(err) }()
	err = w.takeOrder(ctx, t)
	return err
}

func (w *Worker) takeOrder(ctx context.Context, t *asynq.Task) error {
	name, _ := asynq.GetTaskID(ctx) // a handler has one
	log := w.opts.Log.With().Str("task", t.Type()).Str("task_id", name).Logger()
	if len(t.Payload()) == 0 { // somebody has it run again
		log.Error().Msg("of a list that was refused Redis forgot all but the name: whoever sent it has to send it again")
		return errOrderRefused
	}
	order, err := openOrder(w.opts.Orders.Key, name, t.Payload())
	if errors.Is(err, errNotSealed) {
		log.Error().Err(err).Msg("a list from Redis cannot be read: with the key that its sender has it can be run again")
		return errOrderForeign
	}
	if err != nil {
		log.Error().Err(err).Msg("a list from Redis is refused")
		return errOrderRefused
	}
	batch, err := w.opts.Orders.Take(ctx, order)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		log.Error().Err(refused.Err).Str("tenant", order.Tenant).Msg("a list from Redis is refused")
		return errOrderRefused
	}
	if err != nil {
		log.Warn().Err(err).Msg("a list from Redis has to wait")
		return errOrderLater
	}
	log.Info().Str("batch", batch).Str("tenant", order.Tenant).Msg("a list from Redis is accepted")
	return nil
}
