package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// longestWait is how long one look-up is waited for.
const longestWait = 30 * time.Second

// lookupRequest is one row to be asked about, as readLookup takes it apart.
type lookupRequest struct {
	Provider string            `json:"provider" doc:"Who is asked: \"attestr\"."`
	Item     map[string]any    `json:"item" doc:"The row: values by the name of their column, \"plate\" among them."`
	Name     string            `json:"name,omitempty" maxLength:"200"`
	Purpose  string            `json:"purpose,omitempty" maxLength:"200" doc:"Why the owner of the plate is looked up."`
	Metadata map[string]any    `json:"metadata,omitempty" doc:"The caller's own, given back as it is; at most 16 KiB."`
	Weight   float64           `json:"weight,omitempty" doc:"Its share of the pace among batches; 1 where it is not said."`
	MaxCost  string            `json:"max_cost,omitempty" doc:"A decimal. Where it would cost more, it waits for a budget."`
	Callback string            `json:"callback_url,omitempty" doc:"It is told when the batch of the row is done or paused, signed with the secret of callbacks."`
	Kept     string            `json:"retention,omitempty" doc:"How long the row is kept after its end: \"30d\", \"12h\". Where it is not said, as long as those of any."`
	Params   map[string]string `json:"params,omitempty" doc:"Parameters of the provider."`
	Fresh    bool              `json:"fresh,omitempty" doc:"Ask again where an answer is known."`
}

// lookedUp is what became of one row.
type lookedUp struct {
	Batch batchView  `json:"batch" doc:"The list of this one row: by its id the answer is found again."`
	Row   export.Row `json:"row"`
}

// lookup asks about one row and waits for the answer. What is not answered in
// time goes on as any other batch.
func (s *server) lookup(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	q.noOptions(r)
	wait := q.wait()
	if err := q.err(); err != nil {
		return err
	}
	b, up, err := s.takeIn(w, r, s.readLookup)
	if err != nil {
		return err
	}
	up.over()
	if err := s.await(r.Context(), b.No, wait); err != nil {
		return err
	}
	up.answerable()
	return s.answerLookup(w, r, b.No)
}

// wait returns how long somebody is ready to wait.
func (q *query) wait() time.Duration {
	text := q.text("wait")
	if text == "" {
		return longestWait
	}
	n, err := strconv.Atoi(text)
	if most := int(longestWait.Seconds()); err != nil || n < 0 || n > most {
		q.fault("wait", "it must be 0 to %d seconds", most)
	}
	return time.Duration(n) * time.Second
}

// readLookup reads a body as readSubmission does, with one item.
func (s *server) readLookup(w http.ResponseWriter, r *http.Request) (list, *upload, error) {
	up := newUpload(w, http.MaxBytesReader(w, r.Body, maxBody))
	raw, err := io.ReadAll(up)
	if err != nil {
		return list{}, nil, err
	}
	l, err := s.parseLookup(raw)
	return l, up, err
}

func (s *server) parseLookup(raw []byte) (list, error) {
	if fault := checkNesting(raw); fault != "" {
		return list{}, problem(http.StatusBadRequest, "bad_json", "the body: %s", fault)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		return list{}, problem(http.StatusBadRequest, "bad_json", "the body is no JSON object")
	}
	sub := &submission{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "item" {
			sub.set(name, fields[name])
		}
	}
	switch item := fields["item"]; {
	case item == nil:
		sub.fault("item", "it is missing")
	case item[0] != '{':
		sub.fault("item", "it must be an object")
	}
	if err := badFields(http.StatusUnprocessableEntity, "bad_envelope", sub.check(sub.faults, s.Purposes)); err != nil {
		return list{}, err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, fields["item"]); err != nil {
		return list{}, orBad(nil, "the item is no JSON")
	}
	return list{envelope: sub.envelope, rows: &line, from: intake.Options{Format: intake.JSONL, Set: sub.Params, Items: true}}, nil
}

// await waits until a batch is finished or paused, or for so long.
func (s *server) await(ctx context.Context, no store.BatchNo, wait time.Duration) error {
	if wait == 0 {
		return nil
	}
	sights, leave, ok := s.watching.join(no)
	if !ok {
		return nil // too many wait already; the batch goes on
	}
	defer leave()
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		select {
		case got, more := <-sights:
			if !more || got.state != store.BatchRunning {
				return nil
			}
		case <-over.C:
			return nil
		case <-s.Stopping:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errNoRow says that a batch has lost its row, which cannot be.
var errNoRow = errors.New("read looked-up row: the batch has none")

func (s *server) answerLookup(w http.ResponseWriter, r *http.Request, no store.BatchNo) error {
	b, err := s.Store.BatchByNo(r.Context(), no)
	if err != nil {
		return err
	}
	if err := s.noteSight(r.Context(), store.ActLookup, b); err != nil {
		return err
	}
	answer, found := lookedUp{}, false
	err = s.rows(r.Context()).Rows(r.Context(), no, store.RowFilter{Limit: 1}, func(row store.Row) error {
		answer.Row, found = export.FromStore(b, row, export.Extras{}), true
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return errNoRow
	}
	s.told(r.Context(), store.ActLookup, 1)
	if answer.Batch, err = s.whole(r.Context(), b); err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/batches/"+b.ID)
	if !b.State.Finished() {
		w.Header().Set("Retry-After", strconv.Itoa(int(laterOn.Seconds())))
		return writeJSON(w, http.StatusAccepted, answer)
	}
	return writeJSON(w, http.StatusOK, answer)
}
