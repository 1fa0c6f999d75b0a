package api_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

// named submits a list with a name and metadata.
func (w *world) named(t *testing.T, name, metadata string) string {
	t.Helper()
	rec := w.do(t, "POST", "/v1/batches?provider=attestr&name="+url.QueryEscape(name)+"&metadata="+url.QueryEscape(metadata), "plate\nDL01AA1000\n", csvBody)
	return decoded[client.Batch](t, rec).ID
}

func TestBatchesAreChosenByWhatTheyAreCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.named(t, "Fleet of Delhi", `{"customer":"42","n":7}`)
	b := w.named(t, "fleet of Pune", `{"customer":"43","n":7,"deep":{"x":1}}`)
	n := w.named(t, "", "")
	for query, want := range map[string][]string{
		"name=FLEET":                          {b, a},
		"name=delhi":                          {a},
		"metadata=customer%3D43":              {b},
		"metadata=n%3D7":                      {b, a},
		"metadata=n%3D7&metadata=customer%3D": nil,
		"metadata=n%3D7&name=pune":            {b},
		"metadata=deep%3D%7B%22x%22%3A1%7D":   {b},
		"metadata=nobody%3D1":                 nil,
		"name=":                               {n, b, a},
		"from=2026-11-21&to=2026-11-22":       nil,
		"from=2020-01-01T00:00:00Z":           {n, b, a},
		"to=2020-01-01":                       nil,
		"name=fleet&state=done":               nil,
	} {
		var got []string
		for _, b := range decoded[struct{ Items []client.Batch }](t, w.do(t, "GET", "/v1/batches?"+query, "")).Items {
			got = append(got, b.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	checkProblem(t, w.do(t, "GET", "/v1/batches?metadata=customer&from=yesterday&nobody=1", ""), 400, "bad_query")
}

// Lists that nobody asked for are passed over a piece at a time, and no page is
// lost between two pieces.
func TestBatchesAreChosenFromMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var want []string
	for i := range 450 {
		name := "x"
		if i%100 == 7 {
			name = "wanted"
		}
		no, err := w.store.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		b, err := w.store.CommitBatch(t.Context(), no, nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if name == "wanted" {
			want = append([]string{b.ID}, want...)
		}
	}
	for _, limit := range []int{1, 2, 5, 100} {
		var got []string
		for cursor := ""; ; {
			page := decoded[struct {
				Items      []client.Batch
				NextCursor *string `json:"next_cursor"`
			}](t, w.do(t, "GET", fmt.Sprintf("/v1/batches?name=wanted&limit=%d%s", limit, cursor), ""))
			for _, b := range page.Items {
				got = append(got, b.ID)
			}
			if page.NextCursor == nil {
				break
			}
			cursor = "&cursor=" + *page.NextCursor
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestClientChoosesBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.named(t, "a", `{"k":"1"}`)
	want := w.named(t, "b", `{"k":"2"}`)
	var got []string
	for b, err := range dialled(t, w).Batches(t.Context(), client.BatchesOptions{
		Name: "B", Metadata: map[string]string{"k": "2"}, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour),
	}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b.ID)
	}
	if diff := cmp.Diff([]string{want}, got); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}
