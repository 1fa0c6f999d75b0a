package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// News is an event to be told, before it is known who wants to hear of it.
type News struct {
	Kind   EventKind
	Tenant string  // whose hooks are told; empty: everybody's
	Batch  BatchNo // 0: of none
	Data   []byte  // JSON: ids and counts, never what somebody wrote or asked
}

// BatchFacts is what can be told of a batch.
type BatchFacts struct {
	No                   BatchNo
	ID, Tenant, Provider string
	State                BatchState
	Rows                 int
	Counts               Counts
	HeldBy               string // the scope of the budget; empty: none
}

// batchData is an event's data about a batch. Names are those of the API.
type batchData struct {
	Batch    string         `json:"batch"`
	Provider string         `json:"provider"`
	State    BatchState     `json:"state"`
	Rows     int            `json:"rows"`
	Counts   map[string]int `json:"counts"`
	Budget   *string        `json:"budget,omitempty"`
	Unknown  int            `json:"unknown,omitempty"`
	Results  string         `json:"results"`
}

// News makes an event about a batch.
func (f BatchFacts) News(k EventKind) News {
	counts := make(map[string]int, len(RowStates()))
	for _, s := range RowStates() {
		counts[s.String()] = f.Counts[s]
	}
	d := batchData{
		Batch: f.ID, Provider: f.Provider, State: f.State, Rows: f.Rows, Counts: counts, Results: "/v1/batches/" + f.ID + "/results",
	}
	if k == EventBatchPaused && f.HeldBy != "" || k == EventBudgetReached {
		d.Budget = &f.HeldBy
	}
	if k == EventUnknownFound {
		d.Unknown = f.Counts[Unknown]
	}
	return News{Kind: k, Tenant: f.Tenant, Batch: f.No, Data: asJSON(d)}
}

// gateData is an event's data about a gate.
type gateData struct {
	Scope    string `json:"scope"`
	Provider string `json:"provider"`
	Reason   string `json:"reason"`
	Code     string `json:"code"`
	Since    stamp  `json:"since"`
	Until    *stamp `json:"until"` // null: until a person opens it
}

// stamp is a time as the API writes it.
type stamp time.Time

// MarshalText implements encoding.TextMarshaler.
func (t stamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

// News makes an event of a gate's.
func (e GateEvent) News() News {
	provider, _, _ := strings.Cut(e.Gate.Scope, "/")
	d := gateData{Scope: e.Gate.Scope, Provider: provider, Reason: e.Gate.Reason(), Code: e.Gate.Code, Since: stamp(e.Gate.Since)}
	n := News{Kind: EventGateClosed}
	if e.Opened {
		n.Kind = EventGateOpened
	} else if !e.Gate.Until.IsZero() {
		d.Until = new(stamp(e.Gate.Until))
	}
	n.Data = asJSON(d)
	return n
}

// asJSON writes values that always can be.
func asJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Told is what hooks were last told of the rows of a batch.
type Told struct {
	Settled string // rows by state, as News writes them
	Unknown int
	At      time.Time // zero: nothing yet
}

// Progress returns what hooks are to be told of the rows of a batch, and what
// they will have been told then. Nothing: they know, or it is too soon.
func (f BatchFacts) Progress(told Told, now time.Time) ([]News, Told) {
	next := Told{Unknown: f.Counts[Unknown], At: now}
	for _, s := range RowStates() {
		if n := f.Counts[s]; n != 0 && !s.Open() {
			next.Settled += fmt.Sprintf("%s=%d ", s, n)
		}
	}
	if next.Settled == told.Settled {
		return nil, told
	}
	if f.State == BatchRunning && now.Before(told.At.Add(ProgressEvery)) && !now.Before(told.At) {
		return nil, told
	}
	news := []News{f.News(EventRowsSettled)}
	if next.Unknown > told.Unknown {
		news = append(news, f.News(EventUnknownFound))
	}
	return news, next
}
