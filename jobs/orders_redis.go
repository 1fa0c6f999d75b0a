package jobs

import (
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protowire"
)

// forgetful is the Redis of those who take orders in: it keeps no list longer
// than it has to. asynq writes the whole message of a task anew, payload and
// all, where the task ends, for as long as the task is kept, and once more
// beside the worker that has it. From these the payload is left out.
//
// That is done in the very step of asynq that ends the task, so that no kill
// leaves a list behind: it is either in a task that comes again, or nowhere.
// What asynq writes where is known here, and held by a test against each kind
// of Redis; a version that does it differently would keep lists again, but lose
// none.
type forgetful struct{ redis.UniversalClient }

// EvalSha implements redis.Scripter, for asynq's scripts.
func (f forgetful) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return f.UniversalClient.EvalSha(ctx, sha, keys, withoutLists(keys, args)...)
}

// Eval is EvalSha of a script that Redis does not know yet.
func (f forgetful) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return f.UniversalClient.Eval(ctx, script, keys, withoutLists(keys, args)...)
}

// Fields of asynq's messages.
const (
	taskPayload   protowire.Number = 2 // of a task
	taskError     protowire.Number = 7
	workerPayload protowire.Number = 6 // of what a worker does
)

// withoutLists returns the arguments of a script of asynq without the lists
// that it has no need to keep: of a task that is completed, which was taken in,
// of one that is archived as it was refused, and of those that are worked on
// beside the task itself. One that is archived for another reason, such as
// another key, is not taken in yet, and whole.
func withoutLists(keys []string, args []any) []any {
	args = slices.Clone(args) // asynq may use its own again
	strip := func(from int, of func(message []byte) []byte) {
		for i := from; i < len(args); i++ {
			if message, ok := args[i].([]byte); ok {
				args[i] = of(message)
			}
		}
	}
	queue := "asynq:{" + QueueOrders + "}:"
	for _, name := range keys {
		switch {
		case name == queue+"completed":
			strip(0, func(m []byte) []byte { return messageWithout(m, taskPayload) })
		case name == queue+"archived":
			strip(0, func(m []byte) []byte {
				if string(messageText(m, taskError)) != errOrderRefused.Error() {
					return m
				}
				return messageWithout(m, taskPayload)
			})
		case strings.HasPrefix(name, "asynq:workers:"):
			strip(2, func(m []byte) []byte { return messageWithout(m, workerPayload) }) // before them are the time and the server
		}
	}
	return args
}

// messageWithout returns a message without a field; whole if it is none.
func messageWithout(message []byte, field protowire.Number) []byte {
	kept := make([]byte, 0, len(message))
	if !messageFields(message, func(n protowire.Number, whole, _ []byte) {
		if n != field {
			kept = append(kept, whole...)
		}
	}) {
		return message
	}
	return kept
}

// messageText returns the text of a field; nil: the message has none.
func messageText(message []byte, field protowire.Number) (text []byte) {
	messageFields(message, func(n protowire.Number, _, value []byte) {
		if n == field {
			text = value
		}
	})
	return text
}

// messageFields goes through a message, field by field: its number, all of it,
// and of a text or bytes what they are. It reports whether that was a message.
func messageFields(message []byte, each func(n protowire.Number, whole, value []byte)) bool {
	for len(message) > 0 {
		number, kind, head := protowire.ConsumeTag(message)
		if head < 0 {
			return false
		}
		size := protowire.ConsumeFieldValue(number, kind, message[head:])
		if size < 0 {
			return false
		}
		var value []byte
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(message[head:])
		}
		each(number, message[:head+size], value)
		message = message[head+size:]
	}
	return true
}
