package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// Format is how lists are written.
type Format string

// The formats of lists.
const (
	CSV    Format = "text/csv"
	NDJSON Format = "application/x-ndjson"
	XLSX   Format = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	// Any leaves it to the first bytes of a list to tell: CSV, JSON Lines, a
	// JSON array or XLSX, as it is or packed by gzip or zstd.
	Any Format = "application/octet-stream"
)

// MaxWeight bounds the share of the pace that a batch may have among others.
const MaxWeight = 1000

// SubmitOptions say what is to be done with a list.
type SubmitOptions struct {
	// Provider is who is asked: "attestr".
	Provider string
	Name     string
	Purpose  string
	Metadata json.RawMessage // an object, given back as it is; nil: none
	Weight   float64         // share of the pace among batches, at most MaxWeight; 0: 1
	// MaxCost is a decimal: where the list would cost more, it pauses. Empty:
	// only other budgets bound it.
	MaxCost string
	// Retention is how long rows are kept after the end of the batch: "30d",
	// "12h". Empty: as long as the server keeps those of any.
	Retention string
	// Callback is a URL that is told when the batch is done or paused; empty:
	// none is.
	Callback string
	// Key names this request, so that a list that is handed in again under it,
	// by whatever process, is taken in once: 1 to 255 printable ASCII
	// characters. Empty: one is made up, which serves as long as the call lasts.
	Key string
	// Fresh asks again where an answer is known.
	Fresh bool
	// Params are parameters of the provider, or values of a column for every
	// row that has none.
	Params map[string]string

	// Format is what the list is written in. Only for Submit.
	Format Format
	// Encoding is that of a list that is neither UTF-8 nor marked UTF-16, such
	// as "windows-1251". Only for Submit.
	Encoding string
	// Sheet of a spreadsheet, where several hold something. Only for Submit.
	Sheet string
	// Columns name columns that are not found by their own name: "Reg no"
	// holds the plates, "vin=Chassis" something else. Only for Submit.
	Columns []string
	// Limit ends the list after so many rows; 0: it does not. Only for Submit.
	Limit int
}

// Submit hands a list over. It is streamed; the batch runs when Submit returns,
// or was not created. Where the server cannot be reached or is overloaded, a
// list that is an io.Seeker is handed over again from where it began, a few
// times; any other is read once. Options that are longer than 8000 bytes as they
// are sent, where what is no plain letter takes several, are an error: rows may
// then go by SubmitItems, whose options may be longer.
func (c *Client) Submit(ctx context.Context, o SubmitOptions, list io.Reader) (Batch, error) {
	r, err := o.request()
	if err != nil {
		return Batch{}, err
	}
	return c.submit(ctx, o.Key, r, list)
}

func (c *Client) submit(ctx context.Context, key string, r request, list io.Reader) (b Batch, err error) {
	r.path = "/v1/batches"
	err = c.handIn(ctx, key, r, list, &b)
	return b, err
}

// handIn sends a list, or what else the server does once under a key, until it
// is taken in or repeating it makes no sense. It is taken in once, however often
// it arrives.
func (c *Client) handIn(ctx context.Context, key string, r request, list io.Reader, into any) error {
	again, begin := list.(io.Seeker)
	var from int64
	if begin {
		var err error
		from, err = again.Seek(0, io.SeekCurrent)
		begin = err == nil // a pipe is a file that cannot
	}
	r.onceKey = cmp.Or(key, rand.Text())
	for n := 1; ; n++ {
		body := &sending{list: list}
		r.body = io.NopCloser(body)
		err := c.post(ctx, r, into)
		if err == nil || n == tries || !begin || !passing(err) {
			return err
		}
		if err := sleep(ctx, pause(n, err)); err != nil {
			return err
		}
		body.stop() // the answer may have come while it was still being sent
		if _, err := again.Seek(from, io.SeekStart); err != nil {
			return fmt.Errorf("read list again: %w", err)
		}
	}
}

// sending is a list on its way, as a plain reader: it is sent as it comes, and
// stays open. After stop nothing reads of it any more.
type sending struct {
	mu   sync.Mutex
	list io.Reader
	over bool
}

// errSent says that a request is over that would read on.
var errSent = errors.New("send list: the request is over")

// Read implements io.Reader.
func (s *sending) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, errSent
	}
	return s.list.Read(p)
}

// stop waits for a Read under way, which may take as long as the list does.
func (s *sending) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// maxOptions is how long options may be as they are sent, in bytes: what goes
// through most proxies, and what a server takes.
const maxOptions = 8000

// request is what goes with a list that is not JSON: the provider in the query,
// and everything else, which may be personal, in a header, as addresses are
// written down on their way. The query says that there is one, so that a list
// whose header is dropped is not taken in without its bounds.
func (o SubmitOptions) request() (request, error) {
	r := request{query: url.Values{"provider": {o.Provider}}, contentType: string(o.Format)}
	options := o.options()
	r.options = options.Encode()
	if len(r.options) > maxOptions {
		name, size := longest(options)
		return r, fmt.Errorf("send options: they are %d bytes long as they are sent, and %d are the most; the longest is %s with %d", len(r.options), maxOptions, name, size)
	}
	if r.options != "" {
		r.query.Set("options", "header")
	}
	return r, nil
}

// longest returns the option that takes most, and how much.
func longest(options url.Values) (name string, size int) {
	for _, other := range slices.Sorted(maps.Keys(options)) {
		if n := len(url.Values{other: options[other]}.Encode()); n > size {
			name, size = other, n
		}
	}
	return name, size
}

// options are all but the provider, by their names.
func (o SubmitOptions) options() url.Values {
	q := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			q.Add(name, value)
		}
	}
	set("name", o.Name, o.Name != "")
	set("purpose", o.Purpose, o.Purpose != "")
	set("metadata", string(o.Metadata), o.Metadata != nil)
	set("weight", strconv.FormatFloat(o.Weight, 'g', -1, 64), o.Weight != 0)
	set("max_cost", o.MaxCost, o.MaxCost != "")
	set("retention", o.Retention, o.Retention != "")
	set("callback_url", o.Callback, o.Callback != "")
	set("fresh", "true", o.Fresh)
	set("encoding", o.Encoding, o.Encoding != "")
	set("sheet", o.Sheet, o.Sheet != "")
	set("limit", strconv.Itoa(o.Limit), o.Limit != 0)
	for _, name := range o.Columns {
		set("column", name, true)
	}
	for _, k := range slices.Sorted(maps.Keys(o.Params)) { // in one order, or it would be another request
		set("set", k+"="+o.Params[k], true)
	}
	return q
}

// Item is one row: values by the name of their column, "plate" among them.
type Item map[string]string

// SubmitItems hands rows over that are at hand.
func (c *Client) SubmitItems(ctx context.Context, o SubmitOptions, items []Item) (Batch, error) {
	body, err := json.Marshal(struct {
		envelope
		Items []Item `json:"items"`
	}{o.envelope(), items})
	if err != nil {
		return Batch{}, fmt.Errorf("encode items: %w", err)
	}
	return c.submit(ctx, o.Key, request{contentType: jsonType}, bytes.NewReader(body))
}
