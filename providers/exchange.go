package providers

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"time"
)

const (
	// maxHead bounds the head of an answer in bytes.
	maxHead = 1 << 20
	// atOnce is the longest body that is written before the answer is read. A
	// server may refuse a longer one while that is still on its way.
	atOnce = 64 << 10
	// lastWord is how long a server that takes no more of a request is
	// listened to.
	lastWord = time.Second
	// mostAhead is the longest body for which room is made on its length's word.
	mostAhead = 1 << 20
	// mostInterim bounds the answers before the answer, as 103 (Early Hints).
	mostInterim = 5
)

var (
	errLong     = errors.New("read answer: longer than the limit")
	errLongHead = errors.New("read answer: its head is too long")
	errInterim  = errors.New("read answer: nothing but interim ones")
	errUnwanted = errors.New("write question: answered before its end")
	errScheme   = errors.New("connect: neither http nor https")
)

// past is a deadline that ends what goes on over a connection.
var past = time.Unix(1, 0)

// exchange makes one exchange, over a connection that is kept or a new one. An
// error after an answer has begun comes with what was read of it.
func (c *Client) exchange(req *http.Request, s *sent) (*Answer, error) {
	ctx := req.Context()
	req.Close = c.broke.Load() && !c.free
	w, err := c.connect(req)
	if err != nil {
		return nil, orEnded(ctx, err)
	}
	w.sent = s
	inTime := context.AfterFunc(ctx, func() { _ = w.SetDeadline(past) })
	answer, again, err := w.carry(req, c.max)
	if inTime() && again {
		c.idle.put(serverOf(req.URL), w)
	} else {
		_ = w.Close()
	}
	if err != nil {
		return answer, orEnded(ctx, err)
	}
	answer.Body = unpack(answer.Body, c.max)
	return answer, nil
}

// orEnded returns why ctx ended, of which err is what became, or err.
func orEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// connect returns a connection that is kept, or makes one.
func (c *Client) connect(req *http.Request) (*wire, error) {
	if !req.Close {
		if w := c.idle.take(serverOf(req.URL)); w != nil {
			return w, nil
		}
	}
	return c.dial.connect(req.Context(), req.URL)
}

// carry writes req and reads the answer, and reports whether the connection
// can carry another exchange.
func (w *wire) carry(req *http.Request, limit int64) (answer *Answer, again bool, err error) {
	if err := req.Context().Err(); err != nil {
		return nil, false, err
	}
	if w.sent.late(req.Context()) {
		return nil, false, ErrLate
	}
	out := w.send(req)
	if out.ended() && out.err != nil && !w.sent.begun.Load() {
		return nil, false, out.err
	}
	resp, err := w.head(req) //nolint:bodyclose // see body
	if err == nil {
		answer = &Answer{Status: resp.StatusCode, Header: resp.Header}
		answer.Body, err = body(resp, limit)
	}
	if !out.ended() {
		_ = w.SetDeadline(past)
		<-out.done
		out.err = cmp.Or(out.err, errUnwanted)
	}
	again = err == nil && out.err == nil && !req.Close && !resp.Close && w.in.Buffered() == 0
	return answer, again, err
}

// sending is a request that is being written.
type sending struct {
	done chan struct{} // nil: it was written already
	err  error         // once it is done
}

func (s *sending) ended() bool {
	if s.done == nil {
		return true
	}
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// send writes req, in the background if it is long.
func (w *wire) send(req *http.Request) *sending {
	var s sending
	write := func() {
		s.err = req.Write(w.out)
		if s.err == nil {
			s.err = w.out.Flush()
		}
		if s.err != nil { // it may have been answered all the same
			_ = w.SetReadDeadline(time.Now().Add(lastWord))
		}
	}
	if req.ContentLength >= 0 && req.ContentLength <= atOnce {
		write()
		return &s
	}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		write()
	}()
	return &s
}

// head reads the head of the answer to req.
func (w *wire) head(req *http.Request) (*http.Response, error) {
	for range 1 + mostInterim {
		w.left = maxHead
		resp, err := http.ReadResponse(w.in, req)
		if err != nil {
			return nil, noEnd(err)
		}
		if resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			w.left = math.MaxInt64 // the body has a limit of its own
			return resp, nil
		}
	}
	return nil, errInterim
}

// body reads what follows a head. It is not closed: that would read all that a
// server cares to send.
func body(resp *http.Response, limit int64) ([]byte, error) {
	n := resp.ContentLength
	if n < 0 || n > min(limit, mostAhead) {
		b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err == nil && int64(len(b)) > limit {
			err = errLong
		}
		return b, err
	}
	b := make([]byte, n)
	got, err := io.ReadFull(resp.Body, b)
	return b[:got], noEnd(err)
}

// noEnd makes an end in the middle of something one that was not looked for.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
