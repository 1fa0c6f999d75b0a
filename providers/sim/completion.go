package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Orders in which the records of a batch complete.
const (
	RandomOrder = "random"
	PageOrder   = "page" // the first item of the submit first
)

// Completion says how long after the submit each record becomes final: between Min and Max, spread evenly. The zero
// value completes everything at once. In JSON the durations are text such as "1.5s".
type Completion struct {
	Min   time.Duration
	Max   time.Duration
	Order string // RandomOrder or PageOrder; empty: RandomOrder
}

type completionJSON struct {
	Min   duration `json:"min"`
	Max   duration `json:"max"`
	Order string   `json:"order"`
}

// MarshalJSON writes the durations as text.
func (c Completion) MarshalJSON() ([]byte, error) {
	return json.Marshal(completionJSON{duration(c.Min), duration(c.Max), c.Order})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Completion) UnmarshalJSON(data []byte) error {
	v := completionJSON{duration(c.Min), duration(c.Max), c.Order}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*c = Completion{time.Duration(v.Min), time.Duration(v.Max), v.Order}
	return nil
}

func (c Completion) validate() error {
	switch {
	case c.Min < 0 || c.Max < c.Min:
		return errors.New("check completion: want 0 <= min <= max")
	case c.Order != "" && c.Order != RandomOrder && c.Order != PageOrder:
		return fmt.Errorf("check completion: unknown order %q", c.Order)
	}
	return nil
}

// after is when record i of n becomes final, counted from the submit; h is the batch's own draw.
func (c Completion) after(h uint64, i, n int) time.Duration {
	at := unit(drawAt(h, i))
	if c.Order == PageOrder {
		at = (float64(i) + at) / float64(n)
	}
	return c.Min + time.Duration(at*float64(c.Max-c.Min))
}

// duration is a time.Duration that is text in JSON.
type duration time.Duration

// MarshalText writes it as Go does: "1.5s".
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] reads.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}
