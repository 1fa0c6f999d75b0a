package export

import (
	"encoding/json"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Row is one row as it comes out, in files and from the HTTP API. Names and
// order of its members are a contract. Empty strings and zero times are null
// in JSON.
type Row struct {
	Batch      string          `json:"batch"`
	Number     int             `json:"row"` // from 1
	ID         string          `json:"id"`  // the caller's own
	Provider   string          `json:"provider"`
	Plate      string          `json:"plate"`
	VIN        string          `json:"vin"`
	Status     string          `json:"status"`
	Result     json.RawMessage `json:"result"`
	Error      *store.Failure  `json:"error"`
	Attempts   int             `json:"attempts"`
	Cached     bool            `json:"cached"`
	AnsweredAt time.Time       `json:"answered_at"`
	// Input is the line as it was given: an object with a string for each of
	// the customer's columns. Left out where it was not asked for.
	Input json.RawMessage `json:"input,omitempty"`
	// Raw is the answer as it was received, in a string where it is not JSON.
	// Left out where it was not asked for or not kept.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// Extras are parts of a row that come out only where they are asked for.
type Extras struct {
	Input bool
	Raw   bool
}

// FromStore returns row r of batch b as it comes out. The Row shares the
// JSON of its result with r. Of an invalid row, plate and VIN may be as they
// were given, where they have no other form.
func FromStore(b store.Batch, r store.Row, x Extras) Row {
	out := Row{
		Batch: b.ID, Number: r.Number, ID: r.CallerID, Provider: b.Provider,
		Plate: r.Subject[providers.Plate], VIN: r.Subject[providers.VIN],
		Status: r.State.String(), Error: r.Problem, Attempts: r.Attempts, Cached: r.Cached,
	}
	if a := r.Answer; a != nil {
		out.Result, out.AnsweredAt = a.Result, a.At
		if out.Error == nil {
			out.Error = a.Failure
		}
		if x.Raw {
			out.Raw = a.Raw
		}
	}
	if x.Input {
		out.Input = appendLine(nil, b.Columns, r.Line)
	}
	return out
}

// MarshalJSON writes the row as one line.
func (r Row) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// timeForm is RFC 3339 in UTC with whole milliseconds.
const timeForm = "2006-01-02T15:04:05.000Z"

// AppendJSON appends the row to b as one line without its end, and returns b.
func (r Row) AppendJSON(b []byte) []byte {
	b = appendString(append(b, `{"batch":`...), r.Batch)
	b = appendInt(append(b, `,"row":`...), r.Number)
	b = appendText(append(b, `,"id":`...), r.ID)
	b = appendString(append(b, `,"provider":`...), r.Provider)
	b = appendText(append(b, `,"plate":`...), r.Plate)
	b = appendText(append(b, `,"vin":`...), r.VIN)
	b = appendString(append(b, `,"status":`...), r.Status)
	b = appendValue(append(b, `,"result":`...), r.Result)
	b = appendFailure(append(b, `,"error":`...), r.Error)
	b = appendInt(append(b, `,"attempts":`...), r.Attempts)
	b = appendBool(append(b, `,"cached":`...), r.Cached)
	b = appendTime(append(b, `,"answered_at":`...), r.AnsweredAt)
	if len(r.Input) > 0 {
		b = appendValue(append(b, `,"input":`...), r.Input)
	}
	if len(r.Raw) > 0 {
		b = appendValue(append(b, `,"raw":`...), r.Raw)
	}
	return append(b, '}')
}
