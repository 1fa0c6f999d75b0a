package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/spectrumdata"
	"github.com/plateq/plateq/store"
)

// singles is a world with SpectrumData, whose tickets answer one question each.
func singles(t *testing.T) *world {
	t.Helper()
	return newWorld(t, func(o *api.Options) {
		p, err := spectrumdata.New(spectrumdata.Config{
			BaseURL: "https://example.invalid/b2b/api/v1", User: "u@example", Password: "p", ReportTypeGRZ: "grz@example",
		}, spectrumdata.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Providers, err = providers.NewSet(p); err != nil {
			t.Fatal(err)
		}
	})
}

// asked is a list of SpectrumData, all of it unknown in one call.
func (w *world) asked(t *testing.T, csv string) (client.Batch, store.CallID) {
	t.Helper()
	rec := w.do(t, "POST", "/v1/batches?provider=spectrumdata", csv, csvBody)
	if rec.Code != http.StatusCreated {
		t.Fatalf("submit: %d %s", rec.Code, rec.Body)
	}
	b := decoded[client.Batch](t, rec)
	return b, w.called(t, b.ID, store.Verdict{To: store.Unknown})
}

func TestATicketThatAnswersOneRowIsAdoptedForThatRow(t *testing.T) {
	t.Parallel()
	w := singles(t)
	b, call := w.asked(t, "plate,inn\nA001AA77,7707083893\nA002AA77,7707083893\nA003AA77,7707083893\n")
	second := decoded[client.Batch](t, w.do(t, "POST", "/v1/batches?provider=spectrumdata", "plate,inn\nA003AA77,7707083893\n", csvBody))
	needs := func() bool {
		t.Helper()
		list := decoded[struct{ Items []client.UnknownCall }](t, w.do(t, "GET", "/v1/unknown", "")).Items
		if len(list) != 1 || list[0].Call != int64(call) {
			t.Fatalf("unknown calls are %+v, want call %d", list, call)
		}
		return list[0].NeedsRow
	}
	if !needs() {
		t.Error("the list does not tell that a row is to be named")
	}
	for _, tt := range []struct {
		more   string
		status int
		want   string
	}{
		{`"ticket":"R-2"`, 422, "row_needed"},
		{`"ticket":"R-2","row":2`, 422, "rows of several"},
		{`"ticket":"R-2","row":9,"batch":"` + b.ID + `"`, 422, "not_unknown"},
		{`"ticket":"R-2","row":2,"batch":"b_none"`, 404, "no_such_batch"},
		{`"ticket":"R-2","batch":"` + b.ID + `"`, 422, "goes with row"},
		{`"ticket":"R-2","row":-1`, 422, "number of a row"},
		{`"ticket":"R-2","row":4294967298,"batch":"` + b.ID + `"`, 422, "number of a row"},
		{`"ticket":"R-2","row":2,"batch":"` + b.ID + `"`, 200, `"questions":1`},
		{`"ticket":"R-2","row":1,"batch":"` + b.ID + `"`, 409, "ticket_taken"},
		{`"ticket":"R-2","row":2,"batch":"` + b.ID + `"`, 422, "not_unknown"},
		{`"ticket":"R-3","row":1,"batch":"` + second.ID + `"`, 200, `"questions":1`},
		{`"ticket":"R-1"`, 200, `"questions":1`},
		{`"ticket":"R-1"`, 404, "no_such_call"},
	} {
		if strings.Contains(tt.more, "R-1") && tt.status == 200 && needs() {
			t.Error("one question is left, and a row is to be named")
		}
		rec := w.do(t, "POST", "/v1/unknown/adopt", fmt.Sprintf(`{"call":%d,%s}`, call, tt.more), jsonBody)
		if rec.Code != tt.status || !strings.Contains(rec.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %d and %q", tt.more, rec.Code, rec.Body, tt.status, tt.want)
		}
	}
	if due, err := w.store.DueTickets(t.Context(), "spectrumdata", 0); err != nil || len(due) != 3 {
		t.Errorf("due tickets are %v, %v, want one for each question", due, err)
	}
	if strings.Contains(w.log.String(), "AA77") || strings.Contains(w.log.String(), "R-") {
		t.Errorf("the log tells what is personal: %s", w.log)
	}
}

func TestARowIsNamedWithoutItsBatchWhereThereIsOne(t *testing.T) {
	t.Parallel()
	w := singles(t)
	_, call := w.asked(t, "plate,inn\nA001AA77,7707083893\nA002AA77,7707083893\n")
	rec := w.do(t, "POST", "/v1/unknown/adopt", fmt.Sprintf(`{"call":%d,"ticket":"R-2","row":2}`, call), jsonBody)
	if got := decoded[client.Settled](t, rec); rec.Code != http.StatusOK || got.Questions != 1 {
		t.Errorf("adopt: %d %s", rec.Code, rec.Body)
	}
}

// TestARowIsNamedToAdoptAlone: what decides about all of a call takes no row.
func TestARowIsNamedToAdoptAlone(t *testing.T) {
	t.Parallel()
	w := singles(t)
	_, call := w.asked(t, "plate,inn\nA001AA77,7707083893\n")
	for _, what := range []string{"resend", "give-up"} {
		rec := w.do(t, "POST", "/v1/unknown/"+what, fmt.Sprintf(`{"call":%d,"row":1,"reason":"x"}`, call), jsonBody)
		if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "row") {
			t.Errorf("%s of a row: %d %s", what, rec.Code, rec.Body)
		}
	}
}
