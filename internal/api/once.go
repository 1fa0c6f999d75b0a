package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/plateq/plateq/store"
)

const (
	// onceHeader names a request that its sender may repeat.
	onceHeader = "Idempotency-Key"
	// replayHeader says that a request came before under its key.
	replayHeader = "Idempotent-Replayed"
	// maxOnce bounds a key, in bytes.
	maxOnce = 255
)

// once is a request with a key: what it says is hashed as it is read.
type once struct {
	key  string
	sum  hash.Hash
	body io.ReadCloser
}

// onceOf returns the once of a request, whose body is hashed from here on; nil:
// it has no key.
func onceOf(r *http.Request) (*once, error) {
	keys := r.Header.Values(onceHeader)
	if len(keys) == 0 {
		return nil, nil
	}
	if len(keys) > 1 || !printableKey(keys[0]) {
		p := problem(http.StatusBadRequest, "bad_idempotency_key", "%s must be given once, as 1 to %d printable ASCII characters", onceHeader, maxOnce)
		return nil, p
	}
	o := &once{key: keys[0], sum: sha256.New(), body: r.Body}
	said := saidBeside(r)
	said.Del("wait") // for the answer, which has no part in what is asked
	for _, part := range []string{r.Method, r.URL.Path, said.Encode(), r.Header.Get("Content-Type")} {
		_, _ = io.WriteString(o.sum, part+"\x00") // a hash takes everything
	}
	r.Body = o
	return o, nil
}

func printableKey(key string) bool {
	for _, b := range []byte(key) {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return key != "" && len(key) <= maxOnce
}

// Read implements io.Reader.
func (o *once) Read(p []byte) (int, error) {
	n, err := o.body.Read(p)
	_, _ = o.sum.Write(p[:n]) // a hash takes everything
	return n, err
}

// also makes something else a part of what the request says.
func (o *once) also(text string) {
	if o != nil {
		_, _ = io.WriteString(o.sum, "\x00"+text) // a hash takes everything
	}
}

// Close implements io.Closer.
func (o *once) Close() error { return o.body.Close() }

// asked returns what is kept of the request, among those of a tenant. rest is
// what was not read of it.
func (o *once) asked(tenant string, rest io.Reader) (store.Once, error) {
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return store.Once{}, err
	}
	return store.Once{Tenant: tenant, Key: o.key, Print: o.sum.Sum(nil)}, nil
}

// repeated returns *store.RepeatError if a request of that key was taken in
// before. What it says is read only then.
func (s *server) repeated(ctx context.Context, l list) error {
	err := s.Store.Repeated(ctx, store.Once{Tenant: submitter(ctx), Key: l.once.key})
	if _, there := errors.AsType[*store.RepeatError](err); !there {
		return err
	}
	o, err := l.once.asked(submitter(ctx), l.rest)
	if err != nil {
		return err
	}
	return s.Store.Repeated(ctx, o)
}

// commit accepts a list, once if its request may come again.
func (s *server) commit(ctx context.Context, no store.BatchNo, l list) (store.Batch, error) {
	if l.once == nil {
		return s.Store.CommitBatch(ctx, no, nil, time.Time{})
	}
	o, err := l.once.asked(submitter(ctx), l.rest)
	if err != nil {
		return store.Batch{}, err
	}
	return s.Store.CommitOnce(ctx, no, o)
}

// again answers a request that came before as it was answered then: with its
// batch, as that stands now. It returns err where that is something else.
func again(w http.ResponseWriter, err error) (store.Batch, error) {
	e, err := earlier(w, err)
	if e == nil {
		return store.Batch{}, err
	}
	return e.Batch, nil
}

// doOnce does what a request of few words asks for, whose body was read, and
// returns the id of what it makes or changes: id or, where it came before under
// its key, that of what was made then. Keys are those of a tenant.
func (s *server) doOnce(w http.ResponseWriter, r *http.Request, c *once, tenant, id string, do func(context.Context, *store.Once) error) (string, error) {
	var o *store.Once
	if c != nil {
		asked, err := c.asked(tenant, r.Body)
		if err != nil {
			return "", err
		}
		if made, err := madeBefore(w, s.Store.Repeated(r.Context(), asked)); made != "" || err != nil {
			return made, err
		}
		o = &asked
	}
	if made, err := madeBefore(w, do(r.Context(), o)); made != "" || err != nil {
		return made, err
	}
	return id, nil
}

// since keeps a request whose work is done piece by piece, about what has that
// id, and returns when it first came under its key: a repeat does what the first
// left undone. Zero: the request has no key. A key is taken only where there,
// unless it is nil, finds what the request is about.
func (s *server) since(w http.ResponseWriter, r *http.Request, c *once, tenant, id string, there func() error) (first time.Time, again bool, err error) {
	if c == nil {
		return first, false, nil
	}
	o, err := c.asked(tenant, r.Body)
	if err != nil {
		return first, false, err
	}
	err = s.Store.Repeated(r.Context(), o)
	if err == nil && there != nil {
		if err = there(); err != nil {
			return first, false, err
		}
	}
	if err == nil {
		first, err = s.Store.BeginOnce(r.Context(), o, id)
	}
	e, err := earlier(w, err)
	if e == nil {
		return first, false, err
	}
	return e.At, true, nil
}

// madeBefore returns what an earlier request made, if err is about one that said
// the same, or err; empty without an error: there was none.
func madeBefore(w http.ResponseWriter, err error) (string, error) {
	e, err := earlier(w, err)
	if e == nil {
		return "", err
	}
	return e.Made, nil
}

// earlier returns what err says of an earlier request that said the same; nil:
// it is another error, which is returned.
func earlier(w http.ResponseWriter, err error) (*store.RepeatError, error) {
	e, repeat := errors.AsType[*store.RepeatError](err)
	switch {
	case !repeat:
		return nil, err
	case !e.Same:
		return nil, problem(http.StatusConflict, "key_reused", "the %s was used for another request", onceHeader)
	}
	w.Header().Set(replayHeader, "true")
	return e, nil
}

// turns lets those with the same name in one after the other, so that what one
// has done need not be done and undone by the next. It is safe for concurrent
// use; its zero value is ready.
type turns struct {
	mu      sync.Mutex
	waiting map[string]*turn
}

type turn struct {
	free chan struct{} // holds one while nobody is in
	n    int           // who are in or wait
}

// enter waits for its turn and returns how to end it.
func (t *turns) enter(ctx context.Context, name string) (leave func(), err error) {
	t.mu.Lock()
	if t.waiting == nil {
		t.waiting = map[string]*turn{}
	}
	at := t.waiting[name]
	if at == nil {
		at = &turn{free: make(chan struct{}, 1)}
		at.free <- struct{}{}
		t.waiting[name] = at
	}
	at.n++
	t.mu.Unlock()
	gone := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if at.n--; at.n == 0 {
			delete(t.waiting, name)
		}
	}
	select {
	case <-at.free:
		return func() { at.free <- struct{}{}; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, context.Cause(ctx)
	}
}
