package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestTimelineShowsWhatHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	w.closed(t, store.GateClose{Scope: "attestr", Class: providers.RateLimited, Code: "4291", Until: until})
	for _, verb := range []string{"pause", "resume"} {
		if rec := w.do(t, "POST", "/v1/batches/"+b.ID+"/"+verb, ""); rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", verb, rec.Code, rec.Body)
		}
	}
	var got []client.Happening
	for h, err := range c.Timeline(t.Context(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		h.At = time.Time{}
		got = append(got, h)
	}
	want := []client.Happening{
		{What: "resumed"},
		{What: "paused", Reason: "asked for"},
		{What: "gate_closed", Scope: "attestr", Reason: "rate_limited", Code: "4291", Until: &until},
		{What: "accepted"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("timeline differs (-want +got):\n%s", d)
	}
	page := decoded[struct{ NextCursor *string }](t, w.do(t, "GET", "/v1/batches/"+b.ID+"/timeline?limit=4", ""))
	if page.NextCursor != nil {
		t.Error("there is a next page of nothing")
	}
}

func TestAPersonClosesAGate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	for _, want := range [][]string{{"attestr/submit"}, {}} {
		got, err := c.CloseGate(t.Context(), "attestr/submit")
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("close: %v (-want +got):\n%s", err, d)
		}
	}
	all, err := c.Providers(t.Context(), false)
	if err != nil || len(all[0].Gates) != 1 || all[0].Gates[0].Reason != "by_hand" || all[0].Gates[0].Until != nil {
		t.Errorf("got %+v, %v, want one gate that is closed by hand", all, err)
	}
	if rec := w.do(t, "POST", "/v1/providers/attestr/close?scope=regnum", ""); rec.Code != http.StatusNotFound {
		t.Errorf("close a gate of another provider: %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, "POST", "/v1/providers/none/close", ""); rec.Code != http.StatusNotFound {
		t.Errorf("close a gate of no provider: %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, "POST", "/v1/providers/attestr/open", ""); rec.Code != http.StatusOK {
		t.Fatalf("open: %d %s", rec.Code, rec.Body)
	}
	var got []string
	for h, err := range c.Incidents(t.Context(), "attestr") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, h.What+" "+h.Scope+" by "+h.By)
	}
	want := []string{"gate_opened attestr/submit by request", "gate_closed attestr/submit by request"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("incidents differ (-want +got):\n%s", d)
	}
	if rec := w.do(t, "GET", "/v1/providers/none/history", ""); rec.Code != http.StatusNotFound {
		t.Errorf("history of no provider: %d %s", rec.Code, rec.Body)
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 30, 20, 0, time.UTC)
	minute := now.Truncate(time.Minute)
	w := newWorld(t, func(o *api.Options) { o.Now = func() time.Time { return now } })
	c := dialled(t, w)
	if all, err := c.Series(t.Context(), client.SeriesOptions{}); err != nil || len(all) != 0 {
		t.Errorf("of nothing: got %+v, %v", all, err)
	}
	at := func(ago time.Duration, m store.Measure, n int64) store.Count {
		return store.Count{Provider: "attestr", At: now.Add(-ago), Measure: m, N: n}
	}
	err := w.store.AddCounts(t.Context(), []store.Count{
		at(0, store.MeasureRequests, 1), at(0, store.ErrorMeasure("rate_limited"), 1), at(0, store.TookMeasure(9*time.Second), 1),
		at(time.Minute, store.MeasureFound, 18), at(time.Minute, store.MeasureNotFound, 1), at(time.Minute, store.MeasureRequests, 19),
		at(time.Minute, store.TookMeasure(70*time.Millisecond), 19), at(time.Minute, store.SpentMeasure("INR"), int64(2*store.One)),
		at(90*time.Minute, store.MeasureFailed, 7),
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Series(t.Context(), client.SeriesOptions{Last: 3})
	if err != nil || len(all) != 1 {
		t.Fatalf("got %+v, %v, want one series", all, err)
	}
	before := minute.Add(-time.Minute)
	want := client.Series{
		Provider: "attestr", LastSuccess: &before,
		Points: []client.Point{
			{At: minute.Add(-2 * time.Minute), Errors: map[string]int64{}, Spent: map[string]string{}},
			{At: before, Found: 18, NotFound: 1, Requests: 19, Errors: map[string]int64{}, Spent: map[string]string{"INR": "2.00"}, P50: new(int64(100)), P95: new(int64(100))},
			{At: minute, Requests: 1, Errors: map[string]int64{"rate_limited": 1}, Spent: map[string]string{}, P50: new(int64(10000)), P95: new(int64(10000))},
		},
		Total: client.Point{
			At: minute.Add(-2 * time.Minute), Found: 18, NotFound: 1, Requests: 20, Errors: map[string]int64{"rate_limited": 1},
			Spent: map[string]string{"INR": "2.00"}, P50: new(int64(100)), P95: new(int64(100)),
		},
	}
	if d := cmp.Diff(want, all[0]); d != "" {
		t.Errorf("series differs (-want +got):\n%s", d)
	}
	all, err = c.Series(t.Context(), client.SeriesOptions{Span: "hour", Provider: "attestr"})
	if err != nil || len(all) != 1 || len(all[0].Points) != 24 || all[0].Total.Failed != 7 {
		t.Errorf("by hours: got %+v, %v", all, err)
	}
	if rec := w.do(t, "GET", "/v1/series?span=week&last=9999", ""); rec.Code != http.StatusBadRequest {
		t.Errorf("of weeks: %d %s", rec.Code, rec.Body)
	}
}
