package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plateq/plateq/store"
)

// Meter counts what this process does. It implements jobs.Meter. Methods are
// safe for concurrent use, and never wait.
type Meter struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	settled  *prometheus.CounterVec
	spent    *prometheus.CounterVec
	refused  *prometheus.CounterVec
	stored   *prometheus.HistogramVec
	sent     *prometheus.CounterVec
	answered *prometheus.HistogramVec
	personal *prometheus.CounterVec

	mu   sync.Mutex
	keys map[string]bool // that personal has a label of
}

// maxKeys is how many API keys are told apart; the rest is otherKeys together.
const (
	maxKeys   = 500
	otherKeys = "others"
)

// NewMeter returns a meter that has counted nothing.
func NewMeter() *Meter {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	duration := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &Meter{
		requests: counter("requests_total", "Requests to providers that came to an end, by what became of them.", "provider", "endpoint", "class"),
		took: duration("request_duration_seconds", "How long requests to providers took.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, "provider", "endpoint"),
		settled: counter("asks_settled_total", "Questions by the state that they came to.", "provider", "state"),
		spent:   counter("spent_total", "What settled questions were charged, in units of the currency.", "provider", "currency"),
		refused: counter("asks_refused_total", "Outcomes that came after their question was settled otherwise, and changed nothing.", "provider"),
		stored: duration("store_duration_seconds", "How long the store took to claim and to settle.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30}, "operation", "result"),
		answered: duration("http_request_duration_seconds", "How long requests to the API took. A stream of events takes as long as it is listened to.",
			[]float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30}, "route", "code"),
		sent: counter("webhooks_sent_total", "Webhooks to receivers by what became of them.", "result"),
		personal: counter("personal_rows_total", "Rows that were given out with what is personal in them, by the id of the API key and by what the audit log calls the act.",
			"key", "act"),
		keys: map[string]bool{},
	}
	// An increase is seen from one figure to the next: the first failure would
	// be missed if the count began with it.
	for _, operation := range []string{"claim", "settle"} {
		m.stored.WithLabelValues(operation, "ok")
		m.stored.WithLabelValues(operation, "error")
	}
	for _, result := range []string{"delivered", "refused", "gone"} {
		m.sent.WithLabelValues(result)
	}
	return m
}

// Request counts one to a provider that came to an end. class is empty where it
// brought what was asked for.
func (m *Meter) Request(provider, endpoint, class string, took time.Duration) {
	if class == "" {
		class = "ok"
	}
	m.requests.WithLabelValues(provider, endpoint, class).Inc()
	m.took.WithLabelValues(provider, endpoint).Observe(took.Seconds())
}

// Settled counts what the store accepted.
func (m *Meter) Settled(provider string, s store.Settled) {
	for _, state := range store.RowStates() {
		if n := s.Moved[state]; n > 0 {
			m.settled.WithLabelValues(provider, state.String()).Add(float64(n))
		}
	}
	if s.Billed.Currency != "" && s.Billed.Spent > 0 {
		m.spent.WithLabelValues(provider, s.Billed.Currency).Add(units(s.Billed.Spent))
	}
	if s.Refused > 0 {
		m.refused.WithLabelValues(provider).Add(float64(s.Refused))
	}
}

// Stored counts a claim or a settlement, by how long the store took.
func (m *Meter) Stored(operation string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.stored.WithLabelValues(operation, result).Observe(took.Seconds())
}

// Sent counts a webhook that was sent to a receiver.
func (m *Meter) Sent(result string) { m.sent.WithLabelValues(result).Inc() }

// Answered counts a request to the API. route is its pattern, of which there
// are few.
func (m *Meter) Answered(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.answered.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Told counts rows that were given to who showed that API key, as they are. key
// is its id; empty: none was shown.
func (m *Meter) Told(key string, act store.ActKind, rows int) {
	if key == "" {
		key = "none"
	}
	m.personal.WithLabelValues(m.label(key), string(act)).Add(float64(rows))
}

// label bounds how many keys are told apart.
func (m *Meter) label(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.keys[key] && len(m.keys) == maxKeys {
		return otherKeys
	}
	m.keys[key] = true
	return key
}

func (m *Meter) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.took, m.settled, m.spent, m.refused, m.stored, m.sent, m.answered, m.personal}
}

// units is an amount as a number, as good as a float can be.
func units(m store.Money) float64 { return float64(m) / float64(store.One) }
