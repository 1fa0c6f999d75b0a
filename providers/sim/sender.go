package sim

import (
	"cmp"
	"container/heap"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	senderWidth   = 8                     // webhooks under way at once
	senderTimeout = 10 * time.Second      // of one
	senderLook    = 20 * time.Millisecond // between two looks at the clock, which may be moved by hand
	retryAfter    = time.Second           // the pause before a second try, doubled for each further one
)

// WebhookStats counts webhooks.
type WebhookStats struct {
	Sent           int `json:"sent"`            // requests, of whatever kind
	Accepted       int `json:"accepted"`        // genuine ones that were answered with a 2xx
	Refused        int `json:"refused"`         // genuine ones that were answered with another 4xx than 429
	Retried        int `json:"retried"`         // requests that were not answered, or with a 429 or 5xx
	Duplicated     int `json:"duplicated"`      // records whose webhook was sent twice
	Lost           int `json:"lost"`            // whose was not sent
	Forged         int `json:"forged"`          // about which somebody else sent one
	ForgedAccepted int `json:"forged_accepted"` // and was believed
}

// delivery is a webhook that is to be sent.
type delivery struct {
	at     time.Time
	batch  *batch
	record int
	forged bool
	tries  int
}

// agenda is a heap of deliveries, the next one first.
type agenda []delivery

// Len implements heap.Interface.
func (a agenda) Len() int { return len(a) }

// Less implements heap.Interface.
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }

// Swap implements heap.Interface.
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *agenda) Push(v any) { *a = append(*a, v.(delivery)) } //nolint:forcetypeassert // nothing else is pushed

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	d := (*a)[last]
	*a = (*a)[:last]
	return d
}

// sender sends webhooks in the background, until the server is closed.
type sender struct {
	server *Server
	hooks  Webhooks
	client *http.Client
	slots  chan struct{}
	wake   chan struct{}   // holds a word while the agenda may have got longer
	ctx    context.Context //nolint:containedctx // the sender's own life
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex // taken within the server's lock, never around it
	agenda agenda
}

// newSender returns a sender, or nil where nobody is to be called. It sends nothing before start.
func newSender(s *Server, w Webhooks) *sender {
	if w.URL == "" {
		return nil
	}
	d := &sender{
		server: s, hooks: w, slots: make(chan struct{}, senderWidth), wake: make(chan struct{}, 1),
		client: &http.Client{
			Timeout:       senderTimeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: senderWidth},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

func (d *sender) start() {
	if d != nil {
		d.work.Go(d.run)
	}
}

// close ends the sender and waits for what is under way, which it cuts off.
func (d *sender) close() {
	if d != nil {
		d.stop()
		d.work.Wait()
		d.client.CloseIdleConnections()
	}
}

// plan puts the webhooks about a batch on the agenda, but for those that were due before since. It is called with the
// server's lock held.
func (d *sender) plan(b *batch, since time.Time) {
	if d == nil || !b.Webhook {
		return
	}
	w, n := d.hooks, &d.server.counts.webhooks
	chance := func(what string, i int) float64 { return unit(drawAt(draw(b.draw, "webhook", what), i)) }
	lag := func(what string, i int) time.Duration { return time.Duration(chance(what, i) * float64(w.Lag)) }
	var due []delivery
	for i := range b.plates {
		final := b.at.Add(b.after(i))
		if final.Before(since) {
			continue
		}
		if chance("forge", i) < w.Forge {
			n.Forged++
			due = append(due, delivery{at: final.Add(lag("forged lag", i)), batch: b, record: i, forged: true})
		}
		if chance("lost", i) < w.Lost {
			n.Lost++
			continue
		}
		first := delivery{at: final.Add(lag("lag", i)), batch: b, record: i}
		if chance("late", i) < w.Late {
			first.at = first.at.Add(cmp.Or(w.LateBy, time.Minute))
		}
		due = append(due, first)
		if chance("dup", i) < w.Dup {
			n.Duplicated++
			first.at = first.at.Add(lag("second lag", i))
			due = append(due, first)
		}
	}
	d.add(due...)
}

func (d *sender) add(all ...delivery) {
	d.mu.Lock()
	for _, v := range all {
		heap.Push(&d.agenda, v)
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// next takes the next delivery that is due. False: none is; idle: none will be, unless one is added.
func (d *sender) next() (v delivery, due, idle bool) {
	now := d.server.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.agenda) == 0 {
		return v, false, true
	}
	if d.agenda[0].at.After(now) {
		return v, false, false
	}
	return heap.Pop(&d.agenda).(delivery), true, false //nolint:forcetypeassert // nothing else is pushed
}

func (d *sender) run() {
	for d.ctx.Err() == nil {
		v, due, idle := d.next()
		switch {
		case due:
			select {
			case d.slots <- struct{}{}:
			case <-d.ctx.Done():
				return
			}
			d.work.Go(func() {
				defer func() { <-d.slots }()
				d.send(v)
			})
		case idle:
			select {
			case <-d.wake:
			case <-d.ctx.Done():
			}
		default:
			d.pause()
		}
	}
}

func (d *sender) pause() {
	t := time.NewTimer(senderLook)
	defer t.Stop()
	select {
	case <-t.C:
	case <-d.wake:
	case <-d.ctx.Done():
	}
}

// send sends one webhook, and puts it on the agenda again where it should be repeated.
func (d *sender) send(v delivery) {
	if d.server.stays(v.batch, v.record) {
		return
	}
	body, token := d.hooks.webhook(v.batch, v.record), d.hooks.Token
	if v.forged {
		body, token = d.hooks.forgery(v.batch, v.record)
	}
	status := d.post(body, token)
	if d.ctx.Err() != nil {
		return
	}
	v.tries++
	v.at = d.server.now().Add(retryAfter << (v.tries - 1)) // before it is counted, as whoever counts may move the clock
	again := status == 0 || status == http.StatusTooManyRequests || status/100 == 5
	d.server.countWebhook(v, status, again)
	if again && !v.forged && v.tries < webhookTries {
		d.add(v)
	}
}

// post returns the HTTP status of the answer; 0: there was none.
func (d *sender) post(body []byte, token string) int {
	r, err := d.hooks.request(body, token)
	if err != nil {
		return 0
	}
	answer, err := d.client.Do(r.WithContext(d.ctx))
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be kept
	return answer.StatusCode
}

func (s *Server) countWebhook(v delivery, status int, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &s.counts.webhooks
	n.Sent++
	switch accepted := status/100 == 2; {
	case v.forged && accepted:
		n.ForgedAccepted++
	case v.forged:
	case accepted:
		n.Accepted++
	case again:
		n.Retried++
	default:
		n.Refused++
	}
}

// stays tells that a fault keeps the record from ever becoming final.
func (s *Server) stays(b *batch, i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Kind == KindNever && f.hits(b, i) {
			return true
		}
	}
	return false
}
