package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"
)

const (
	eventsType = "text/event-stream"
	// silence is how long a stream may say nothing before it is taken for dead:
	// three times what the server lets pass.
	silence = 45 * time.Second
	// maxEvent bounds one line of a stream.
	maxEvent = 1 << 20
)

// Watch returns a batch as it stands, at once and each time that it has
// changed, until it is done or cancelled. A connection that breaks is made
// again, and nothing is missed by that but what had been overtaken. After an
// error there is no more.
func (c *Client) Watch(ctx context.Context, id string) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		w := watch{client: c, id: id, yield: yield}
		for failed := 0; ; {
			before := w.last
			err := w.once(ctx)
			if w.over || err == nil {
				return
			}
			if failed++; w.last != before {
				failed = 1 // it was worth the while
			}
			if failed == tries || !passing(err) || ctx.Err() != nil {
				yield(Batch{}, err)
				return
			}
			if err := sleep(ctx, pause(failed, err)); err != nil {
				yield(Batch{}, err)
				return
			}
		}
	}
}

// watch is one walk through the events of a batch, over any number of
// connections.
type watch struct {
	client *Client
	id     string
	yield  func(Batch, error) bool
	last   string // the id of the last event
	over   bool   // nothing more is wanted or to come
}

// errQuiet says that a stream has gone dead.
var errQuiet = errors.New("watch batch: the server has fallen silent")

// errCutOff says that a stream ended before the batch did.
var errCutOff = errors.New("watch batch: the stream broke off")

// once follows one connection to its end. Without an error the batch has ended
// as well.
func (w *watch) once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := time.AfterFunc(silence, func() { cancel(errQuiet) })
	defer alive.Stop()
	resp, err := w.client.once(ctx, request{
		method: http.MethodGet, path: batchPath(w.id) + "/events", accept: eventsType, lastEvent: w.last,
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); {
	case resp.StatusCode == http.StatusNoContent:
		return nil
	case media != eventsType:
		return &Problem{Status: http.StatusNotAcceptable, Code: "not_plateq", Detail: "the server has no stream of events"}
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	err = w.read(lines, func() { alive.Reset(silence) })
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// read takes events out of lines. heard is told of every line.
func (w *watch) read(lines *bufio.Scanner, heard func()) error {
	var name, id, data string
	for lines.Scan() {
		heard()
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if lines.Text() != "" || data == "" {
				continue // a comment, or nothing
			}
			if err := w.event(name, id, data); err != nil || w.over {
				return err
			}
			name, id, data = "", "", ""
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("watch batch: %w", err)
	}
	return errCutOff
}

func (w *watch) event(name, id, data string) error {
	var b Batch
	if err := json.Unmarshal([]byte(data), &b); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	w.last = id
	if !w.yield(b, nil) || name == "finished" {
		w.over = true
	}
	return nil
}

// The pauses between two looks of Wait, where it cannot watch.
const (
	shortestLook = 200 * time.Millisecond
	longestLook  = 2 * time.Second
)

// Wait returns a batch once it is done or cancelled. progress, which may be
// nil, is told how it stands, at once and as it changes. A server that has no
// stream of events, or none to spare, is asked again and again.
func (c *Client) Wait(ctx context.Context, id string, progress func(Batch)) (Batch, error) {
	if progress == nil {
		progress = func(Batch) {}
	}
	var last Batch
	for b, err := range c.Watch(ctx, id) {
		if err != nil {
			if !noStream(err) {
				return last, err
			}
			return c.look(ctx, id, progress)
		}
		last = b
		progress(b)
	}
	return last, nil
}

// noStream reports whether the server answers but does not stream.
func noStream(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Code != "no_such_batch" && p.Status != http.StatusUnauthorized && p.Status != http.StatusForbidden
}

func (c *Client) look(ctx context.Context, id string, progress func(Batch)) (Batch, error) {
	for look := shortestLook; ; look = min(look*3/2, longestLook) {
		b, err := c.Batch(ctx, id)
		if err != nil {
			return b, err
		}
		progress(b)
		if b.State.Finished() {
			return b, nil
		}
		if err := sleep(ctx, look); err != nil {
			return b, err
		}
	}
}
