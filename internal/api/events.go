package api

import (
	"fmt"
	"net/http"
	"time"
)

// heartbeat is how often a stream says that it is still there.
const heartbeat = 15 * time.Second

// events streams how a batch stands, each time that it has changed, until it
// is finished: server-sent events. Who comes again with the id of the last one
// misses nothing and gets nothing twice.
func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	out := &eventStream{w: w, ctl: http.NewResponseController(w), last: r.Header.Get("Last-Event-ID")}
	_ = out.ctl.SetReadDeadline(time.Time{}) // nothing more is to come; without a connection there is no deadline
	b, err := s.findOnly(r)
	if err != nil {
		return err
	}
	now, err := s.look(r.Context(), b.No)
	if err != nil {
		return err
	}
	if now.state.Finished() && out.last == now.id {
		w.WriteHeader(http.StatusNoContent) // a browser comes again until it is told so
		return nil
	}
	sights, leave, ok := s.watching.join(b.No)
	if !ok {
		return problem(http.StatusServiceUnavailable, "too_many_watch", "%d watch already, and no more can", maxWatchers).again(laterOn)
	}
	defer leave()
	w.Header().Set("Content-Type", typeEvents)
	w.Header().Set("Cache-Control", "no-store")
	if err := out.send(now); err != nil {
		return nil //nolint:nilerr // the client has left
	}
	return s.follow(r, out, sights)
}

// follow writes what is seen until there is no more, or nobody who reads it.
func (s *server) follow(r *http.Request, out *eventStream, sights <-chan sight) error {
	beat := time.NewTicker(s.beat)
	defer beat.Stop()
	for {
		var err error
		select {
		case got, more := <-sights:
			if !more {
				return nil
			}
			err = out.send(got)
		case <-beat.C:
			err = out.write(": still here\n\n")
		case <-r.Context().Done():
			return nil
		case <-s.Stopping:
			return nil
		}
		if err != nil {
			return nil //nolint:nilerr // the client has left
		}
	}
}

// eventStream is an answer of server-sent events.
type eventStream struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	last string // the id of the last event that the client has
}

// send writes a sight, unless the client has it.
func (e *eventStream) send(s sight) error {
	if s.id == e.last {
		return e.write(": nothing new\n\n")
	}
	e.last = s.id
	name := "progress"
	if s.state.Finished() {
		name = "finished"
	}
	return e.write("event: " + name + "\nid: " + s.id + "\ndata: " + string(s.data) + "\n\n")
}

func (e *eventStream) write(text string) error {
	_ = e.ctl.SetWriteDeadline(time.Now().Add(writeTimeout)) // without a connection there is no deadline
	if _, err := e.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := e.ctl.Flush(); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}
