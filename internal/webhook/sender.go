package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/store"
)

// Why an attempt failed, beside those that the store gives.
const (
	ReasonStatus      = "status" // the receiver answered, and not with a 2xx
	ReasonTimeout     = "timeout"
	ReasonDNS         = "dns"
	ReasonUnreachable = "unreachable"
	ReasonNotAllowed  = "not_allowed"
	ReasonNoSecret    = "no_secret"
)

const (
	// atOnce bounds the attempts of one process, perHook those to one receiver.
	atOnce  = 64
	perHook = 4
	// outFor is how long a delivery is nobody else's: an attempt and a margin.
	outFor = time.Minute
	// lookEvery is the longest pause between two looks at what is due, tidyEvery
	// that between two looks at what is over.
	lookEvery = time.Second
	tidyEvery = time.Minute
	// maxAnswer is how much of an answer is read, so that its connection can be
	// used again. It says nothing that counts.
	maxAnswer = 4 << 10
)

// plan returns the pauses after the first attempts: three days in all.
func plan() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 20 * time.Hour,
	}
}

// Options are what a Sender works with. All but Sent are required.
type Options struct {
	Store store.Outbox
	Guard *Guard
	// Client makes the requests; Guard.Client, but in tests.
	Client *http.Client
	Log    zerolog.Logger
	Now    func() time.Time
	// Draw returns numbers from 0 to 1 at random, by which pauses are shortened
	// by up to a fifth.
	Draw func() float64
	// Sent is told of each attempt: "delivered", "refused" or "gone"; nil: nobody
	// is. It must not wait.
	Sent func(result string)
}

// Sender delivers what is due. It is safe for concurrent use.
type Sender struct {
	Options
	slots chan struct{}
	ended chan struct{} // an attempt did: there may be room for another
	going sync.WaitGroup
}

// NewSender returns a sender. Nothing is sent before Run or Once.
func NewSender(o Options) *Sender {
	if o.Sent == nil {
		o.Sent = func(string) {}
	}
	return &Sender{Options: o, slots: make(chan struct{}, atOnce), ended: make(chan struct{}, 1)}
}

// Run delivers until the context ends, and returns when attempts that are under
// way have ended, each of which takes a bounded time.
func (s *Sender) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var tidied time.Time
	told := ""
	for ctx.Err() == nil {
		_, err := s.Store.TellProgress(ctx)
		if err == nil && s.Now().Sub(tidied) >= tidyEvery {
			tidied = s.Now()
			err = s.tidy(ctx)
		}
		for n := 1; err == nil && n > 0; {
			n, err = s.start(ctx)
		}
		if err != nil && ctx.Err() == nil && err.Error() != told {
			s.Log.Error().Err(err).Msg("deliver webhooks")
		}
		told = textOf(err)
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-s.ended:
		}
	}
	s.going.Wait()
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Once tells of all there is to tell, and delivers all that is due now.
func (s *Sender) Once(ctx context.Context) error {
	if _, err := s.Store.TellProgress(ctx); err != nil {
		return err
	}
	for {
		n, err := s.start(ctx)
		s.going.Wait()
		if err != nil || n == 0 {
			return err
		}
	}
}

func (s *Sender) tidy(ctx context.Context) error {
	n, err := s.Store.TidyOutbox(ctx)
	if n > 0 {
		s.Log.Warn().Int("deliveries", n).Msg("webhooks were given up: their receivers did not take them in three days")
	}
	return err
}

// start takes what is due, as far as there is room, and sets it out. It returns
// how many deliveries these are.
func (s *Sender) start(ctx context.Context) (int, error) {
	room := atOnce - len(s.slots)
	if room == 0 || ctx.Err() != nil {
		return 0, nil
	}
	due, err := s.Store.ClaimDeliveries(ctx, store.DeliveryClaim{Limit: room, PerHook: perHook, Until: store.Millis(s.Now().Add(outFor))})
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		s.slots <- struct{}{}
		s.going.Go(func() {
			defer func() {
				<-s.slots
				select {
				case s.ended <- struct{}{}:
				default:
				}
			}()
			// What has set out is not cut off by the end of the process.
			s.deliver(context.WithoutCancel(ctx), d)
		})
	}
	return len(due), nil
}

// deliver makes one attempt and writes down what became of it. Where that
// fails the delivery is due again: it is made at least once.
func (s *Sender) deliver(ctx context.Context, d store.OpenDelivery) {
	r := s.attempt(ctx, d)
	r.No, r.Lease = d.No, d.Lease
	if !r.Delivered && !r.Gone {
		r.Again = s.again(d.Attempt)
	}
	log := s.Log.With().Str("hook", d.Hook).Str("event", d.Event).Str("kind", string(d.Kind)).Int("attempt", d.Attempt).Int("status", r.Status).Logger()
	result := "delivered"
	switch {
	case r.Gone:
		result = "gone"
		log.Warn().Msg("the receiver of a hook is gone: the hook is disabled")
	case !r.Delivered:
		result = "refused"
		log.Warn().Str("reason", r.Reason).Time("again", r.Again).Msg("a webhook was not taken")
	}
	s.Sent(result)
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if _, err := s.Store.SettleDelivery(ctx, r); err != nil {
		log.Error().Err(err).Msg("write down what became of a webhook")
	}
}

// again is when the next attempt may be made; zero: there have been all.
func (s *Sender) again(attempt int) time.Time {
	pauses := plan()
	if attempt > len(pauses) {
		return time.Time{}
	}
	pause := pauses[attempt-1]
	pause -= time.Duration(s.Draw() * float64(pause) / 5)
	return store.Millis(s.Now().Add(pause))
}

// message is what a receiver gets.
type message struct {
	Type      store.EventKind `json:"type"`
	Timestamp string          `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

func (s *Sender) attempt(ctx context.Context, d store.OpenDelivery) store.DeliveryResult {
	if len(d.Secrets) == 0 {
		return store.DeliveryResult{Reason: ReasonNoSecret}
	}
	if err := s.Guard.CheckURL(d.URL); err != nil {
		return store.DeliveryResult{Reason: reasonOf(err)}
	}
	req, err := s.request(ctx, d)
	if err != nil {
		return store.DeliveryResult{Reason: ReasonNotAllowed}
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		return store.DeliveryResult{Reason: reasonOf(err)}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	r := store.DeliveryResult{Status: resp.StatusCode}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		r.Delivered = true
	case resp.StatusCode == http.StatusGone:
		r.Gone, r.Reason = true, store.ReasonGone
	default:
		r.Reason = ReasonStatus
	}
	return r
}

func (s *Sender) request(ctx context.Context, d store.OpenDelivery) (*http.Request, error) {
	body, err := json.Marshal(message{Type: d.Kind, Timestamp: d.At.UTC().Format("2006-01-02T15:04:05.000Z"), Data: d.Data})
	if err != nil {
		return nil, fmt.Errorf("write event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	now := s.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Plateq")
	// Standard Webhooks writes these in lower case; HTTP does not care.
	req.Header.Set(HeaderID, d.Event)
	req.Header.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(HeaderSignature, sign(d.Event, now, body, d.Secrets))
	return req, nil
}
