package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// books are the same each time, and count how often they are read.
type books struct {
	Books
	fault error
	reads int
}

func (b *books) Backlogs(context.Context) ([]store.Backlog, error) {
	b.reads++
	return []store.Backlog{{
		Provider: "attestr", Queued: 3, Sending: 2, Waiting: 1, Tickets: 4, Late: 5, Ready: 2, Unknown: 7, Held: 6,
		Oldest: time.Unix(4000, 0), Deadline: time.UnixMilli(6500),
	}}, b.fault
}

func (b *books) Gates(context.Context) ([]store.Gate, error) {
	return []store.Gate{
		{Scope: "attestr", Closed: true, Code: store.ByHand, Since: time.Unix(1000, 0)},
		{Scope: "aopay", Since: time.Unix(1000, 0)},
		{Scope: "regnum", Closed: true, Class: providers.OutOfCredit, Since: time.Unix(1000, 0), Until: time.Unix(1900, 0), Probe: true},
		{Scope: "resser", Closed: true, Class: providers.RateLimited, Since: time.Unix(1000, 0), Until: time.Unix(1002, 0)},
	}, nil
}

func (b *books) Vanished(context.Context) (int, error) { return 3, nil }

func (b *books) LedgerTotals(context.Context, store.LedgerFilter, store.LedgerGroup) ([]store.LedgerTotal, error) {
	return []store.LedgerTotal{{Group: "attestr", Currency: "INR", Asks: 10, Charged: 6, Free: 1, Spent: 6 * store.One, Held: 3 * store.One / 2}}, nil
}

func (b *books) Budgets(context.Context, store.BudgetsRequest) ([]store.BudgetUse, error) {
	day := store.BudgetUse{Spent: 6 * store.One}
	day.BudgetScope = store.BudgetScope{Kind: store.BudgetOfProvider, Name: "attestr", Period: store.EachDay}
	day.Amount = 9 * store.One
	list := store.BudgetUse{}
	list.BudgetScope = store.BudgetScope{Kind: store.BudgetOfBatch, Name: "b_1"}
	return []store.BudgetUse{day, list}, nil
}

func (b *books) Readings(context.Context) ([]store.Reading, error) {
	return []store.Reading{{Provider: "spectrumdata", Name: "quota_day", Value: 7}}, nil
}

func testFleet(b *books, now *time.Time) *Fleet {
	return NewFleet(FleetOptions{
		Books: b, Now: func() time.Time { return *now }, Log: zerolog.Nop(), Limits: map[string]jobs.Limits{"attestr": {Concurrency: 8}, "aopay": {Concurrency: 4}},
		Queues: func() ([]jobs.QueueInfo, error) {
			return []jobs.QueueInfo{{Name: "attestr", Pending: 2, Latency: time.Second, Paused: true}}, nil
		},
		Pace: func(context.Context) (map[string]jobs.Pace, error) {
			return map[string]jobs.Pace{"attestr": {Rate: 2.5, Workers: 2, InFlight: 3, Used: 4}}, nil
		},
	})
}

// testSpool holds two answers, and one that was refused lies beside it.
func testSpool() store.SpoolUse {
	return store.SpoolUse{Answers: 2, Refused: 1, Bytes: 700, Capacity: 8000, Oldest: time.UnixMilli(4500)}
}

func scrape(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestHandler(t *testing.T) {
	t.Parallel()
	m, now := NewMeter(), time.Unix(5000, 0)
	m.Request("attestr", "submit", "", time.Second)
	m.Request("attestr", "submit", "rate_limited", time.Second)
	m.Settled("attestr", store.Settled{Moved: store.Counts{store.Found: 3}, Billed: store.Cost{Currency: "INR", Spent: store.One / 2}, Refused: 2})
	m.Stored("claim", time.Millisecond, errors.New("away"))
	m.Sent("gone")
	m.Answered("", 404, time.Millisecond)
	m.Told("k1", store.ActRowsSeen, 100)
	m.Told("", store.ActRowsExported, 7)
	b := &books{}
	text := scrape(t, Handler(m, testFleet(b, &now), testSpool, "v1"))
	for _, want := range []string{
		`plateq_requests_total{class="ok",endpoint="submit",provider="attestr"} 1`,
		`plateq_requests_total{class="rate_limited",endpoint="submit",provider="attestr"} 1`,
		`plateq_asks_settled_total{provider="attestr",state="found"} 3`,
		`plateq_asks_refused_total{provider="attestr"} 2`,
		`plateq_spent_total{currency="INR",provider="attestr"} 0.5`,
		`plateq_store_duration_seconds_count{operation="claim",result="error"} 1`,
		`plateq_webhooks_sent_total{result="gone"} 1`,
		`plateq_http_request_duration_seconds_count{code="404",route="none"} 1`,
		`plateq_personal_rows_total{act="rows.seen",key="k1"} 100`,
		`plateq_personal_rows_total{act="rows.exported",key="none"} 7`,
		`plateq_build_info{version="v1"} 1`,
		`plateq_spool_answers 2`,
		`plateq_spool_refused_answers 1`,
		`plateq_spool_bytes 700`,
		`plateq_spool_capacity_bytes 8000`,
		`plateq_spool_oldest_timestamp_seconds 4.5`,
		`plateq_fleet_rows_open{provider="attestr",state="sending"} 2`,
		`plateq_fleet_workers_vanished 3`,
		`plateq_fleet_tickets{provider="attestr"} 4`,
		`plateq_fleet_tickets{provider="aopay"} 0`,
		`plateq_fleet_tickets_late{provider="attestr"} 5`,
		`plateq_fleet_rows_ready{provider="attestr"} 2`,
		`plateq_fleet_rows_unknown{provider="attestr"} 7`,
		`plateq_fleet_lists_held{provider="attestr"} 6`,
		`plateq_fleet_ticket_oldest_timestamp_seconds{provider="attestr"} 4000`,
		`plateq_fleet_ticket_deadline_timestamp_seconds{provider="attestr"} 6.5`,
		`plateq_fleet_gate_closed{reason="by_hand",scope="attestr"} 1000`,
		`plateq_fleet_gate_closed{reason="out_of_credit",scope="regnum"} 1000`, // its probe is due, and has not come back
		`plateq_fleet_spent{currency="INR",provider="attestr"} 6`,
		`plateq_fleet_at_risk{currency="INR",provider="attestr"} 1.5`,
		`plateq_fleet_asks_unsettled{currency="INR",provider="attestr"} 3`,
		`plateq_fleet_budget{scope="provider:attestr:day"} 9`,
		`plateq_fleet_budget_used{scope="provider:attestr:day"} 6`,
		`plateq_fleet_reading{name="quota_day",provider="spectrumdata"} 7`,
		`plateq_fleet_queue_tasks{queue="attestr",state="pending"} 2`,
		`plateq_fleet_queue_latency_seconds{queue="attestr"} 1`,
		`plateq_fleet_queue_paused{queue="attestr"} 1`,
		`plateq_fleet_rate{provider="attestr"} 2.5`,
		`plateq_fleet_in_flight{provider="attestr"} 3`,
		`plateq_fleet_concurrency{provider="attestr"} 8`,
		`plateq_fleet_up{part="backlogs"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(text, "b_1") || strings.Contains(text, `scope="aopay"`) || strings.Contains(text, `scope="resser"`) {
		t.Error("a list has figures of its own, or a gate that is open, or lets everyone pass by now")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A process without a spool tells of none, and an empty one has no oldest answer.
func TestSpoolIsToldWhereThereIsOne(t *testing.T) {
	t.Parallel()
	if text := scrape(t, Handler(NewMeter(), nil, nil, "v1")); strings.Contains(text, "plateq_spool") {
		t.Errorf("a spool that is not there has figures: %s", text)
	}
	text := scrape(t, Handler(NewMeter(), nil, func() store.SpoolUse { return store.SpoolUse{Capacity: 1} }, "v1"))
	if !strings.Contains(text, "plateq_spool_answers 0\n") || strings.Contains(text, "plateq_spool_oldest") {
		t.Errorf("of an empty spool it is told: %s", text)
	}
}

func TestKeysAreToldApartUpToANumber(t *testing.T) {
	t.Parallel()
	m, now := NewMeter(), time.Unix(5000, 0)
	for i := range maxKeys + 10 {
		m.Told(strconv.Itoa(i), store.ActLookup, 1)
	}
	m.Told("0", store.ActLookup, 1)
	text := scrape(t, Handler(m, testFleet(&books{}, &now), testSpool, "v1"))
	for _, want := range []string{`{act="lookup",key="0"} 2`, `{act="lookup",key="others"} 10`} {
		if !strings.Contains(text, "plateq_personal_rows_total"+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	if got := strings.Count(text, "\nplateq_personal_rows_total{"); got != maxKeys+1 {
		t.Errorf("%d keys have figures, want %d", got, maxKeys+1)
	}
}

// However many ask, the store is read once in a while; what cannot be read is
// missing, and the rest is there.
func TestFleetIsReadNowAndThen(t *testing.T) {
	t.Parallel()
	b, now := &books{}, time.Unix(5000, 0)
	h := Handler(NewMeter(), testFleet(b, &now), testSpool, "v1")
	for range 3 {
		scrape(t, h)
	}
	if b.reads != 1 {
		t.Errorf("the books were read %d times", b.reads)
	}
	now, b.fault = now.Add(fresh), errors.New("away")
	text := scrape(t, h)
	if b.reads != 2 || !strings.Contains(text, `plateq_fleet_up{part="backlogs"} 0`) || !strings.Contains(text, `plateq_fleet_up{part="gates"} 1`) {
		t.Errorf("after %d reads: %s", b.reads, text)
	}
}
