package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Webhooks says how the stand-in of Attestr calls its customers, once about each record of a submit that asks for it,
// when the record is final. Shares are of records, by a seeded draw. A webhook that is not answered, or with a 429 or
// 5xx, is sent again, up to webhookTries times. What is still to be sent when the stand-in ends is lost.
type Webhooks struct {
	URL    string // where to; empty: nobody is called
	Token  string // shown as "Authorization: Basic TOKEN"; empty: no token is
	Secret string // key of the signatures; empty: nothing is signed
	Inner  bool   // output is the record's own output, not the record
	Batch  bool   // _id is the batch's, not the record's

	Lag    time.Duration // up to so much passes before one is sent, so that they come in another order
	Dup    float64       // are sent twice
	Lost   float64       // are not sent
	Late   float64       // are sent LateBy later than otherwise
	LateBy time.Duration // 0: a minute
	Forge  float64       // somebody else sends one as well, who knows the token or the secret, not both
}

// webhookTries is how often a webhook is sent at most.
const webhookTries = 5

// ParseWebhooks sets in w what is wrong with webhooks, from a flag such as "dup=0.2,forge=0.1,lost=0.1,lag=2s". The
// names are those of the fields: dup, lost, late and forge are shares, lag and late_by times; inner and batch stand
// alone.
func ParseWebhooks(s string, w *Webhooks) error {
	shares := map[string]*float64{"dup": &w.Dup, "lost": &w.Lost, "late": &w.Late, "forge": &w.Forge}
	times := map[string]*time.Duration{"lag": &w.Lag, "late_by": &w.LateBy}
	words := map[string]*bool{"inner": &w.Inner, "batch": &w.Batch}
	for field := range strings.SplitSeq(s, ",") {
		name, value, given := strings.Cut(field, "=")
		var err error
		switch {
		case field == "":
		case words[name] != nil && !given:
			*words[name] = true
		case shares[name] != nil:
			*shares[name], err = strconv.ParseFloat(value, 64)
		case times[name] != nil:
			*times[name], err = time.ParseDuration(value)
		default:
			err = errors.New("there is dup, lost, late, forge, lag, late_by, inner and batch")
		}
		if err != nil {
			return fmt.Errorf("parse webhooks, %q: %w", field, err)
		}
	}
	return w.validate()
}

func (w Webhooks) validate() error {
	for _, share := range []float64{w.Dup, w.Lost, w.Late, w.Forge} {
		if share < 0 || share > 1 {
			return errors.New("check webhooks: a share is not within 0 to 1")
		}
	}
	if w.Lag < 0 || w.LateBy < 0 {
		return errors.New("check webhooks: a time is negative")
	}
	if w.URL == "" {
		return nil
	}
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("check webhooks: the URL must begin with http:// or https:// and a host")
	}
	return nil
}

// webhookEvent is a webhook as Attestr sends it.
type webhookEvent struct {
	Event   string         `json:"event"`
	Payload webhookPayload `json:"payload"`
}

type webhookPayload struct {
	ID        string          `json:"_id"`
	RequestID string          `json:"requestId"`
	Status    string          `json:"status"`
	Output    json.RawMessage `json:"output"`
	Error     *failure        `json:"error"`
	Signature *string         `json:"signature"`
}

// webhook returns the body of the webhook about record i of b.
func (w Webhooks) webhook(b *batch, i int) []byte {
	return w.event(b, b.record(i, b.Answers.For(b.plates[i], b.Seed)))
}

// forgery returns what somebody sends about record i of b, and the token that he shows: he knows the secret and not the
// token or, by turns, the token and not the secret.
func (w Webhooks) forgery(b *batch, i int) (body []byte, token string) {
	r := b.record(i, Answer{Record: RecordCompleted, Valid: true, Status: StatusFound, Contact: "9000000000"})
	if w.Secret == "" || w.Token != "" && i%2 == 0 {
		return w.event(b, r), "not " + w.Token
	}
	token, w.Secret = w.Token, "not "+w.Secret
	return w.event(b, r), token
}

func (w Webhooks) event(b *batch, r record) []byte {
	e := webhookEvent{Event: "async.completed", Payload: webhookPayload{ID: r.ID, RequestID: r.RequestID, Status: r.Status}}
	if w.Batch {
		e.Payload.ID = b.id
	}
	if r.Status == RecordErrored {
		e.Event = "async.errored"
		e.Payload.Error = &failure{Code: 5001, Message: attestrMessage(5001)}
		return mustJSON(e)
	}
	e.Payload.Output = mustJSON(r)
	if w.Inner {
		e.Payload.Output = mustJSON(r.Output)
	}
	if w.Secret != "" {
		m := hmac.New(sha256.New, []byte(w.Secret))
		m.Write(e.Payload.Output)
		signature := hex.EncodeToString(m.Sum(nil))
		e.Payload.Signature = &signature
	}
	return mustJSON(e)
}

func mustJSON(v any) []byte {
	b, _ := json.Marshal(v) // plain structs: cannot fail
	return b
}

func (w Webhooks) request(body []byte, token string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, w.URL, bytes.NewReader(body)) //nolint:noctx // the sender gives it one
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "stand-in")
	if token != "" {
		r.Header.Set("Authorization", "Basic "+token)
	}
	return r, nil
}
