package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

func TestTheCostOfABatchIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) {
		o.Price = func(string) store.Price { return store.Price{Each: 2_500_000, Currency: "INR"} }
	})
	b := w.submitted(t, "plate\nDL01AA1000\nDL01AA1001\nDL01AA1000\n")
	want := client.Cost{Currency: new("INR"), Spent: new("0.00"), AtMost: new("5.00")}
	if diff := cmp.Diff(want, b.Cost); diff != "" {
		t.Errorf("cost of what is queued (-want +got):\n%s", diff)
	}
	unpriced := newWorld(t, nil).submitted(t, "plate\nDL01AA1000\n")
	if diff := cmp.Diff(client.Cost{}, unpriced.Cost); diff != "" {
		t.Errorf("cost without a price (-want +got):\n%s", diff)
	}
}

func TestTheLedgerIsReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	var ids []string
	for _, plate := range []string{"DL01AA1000", "DL01AA1001", "DL01AA1002"} {
		b := w.submitted(t, "plate\n"+plate+"\n")
		w.answer(t, b.ID)
		ids = append(ids, b.ID)
	}
	var got []string
	for l, err := range c.Ledger(t.Context(), client.LedgerOptions{Provider: "attestr"}) {
		if err != nil {
			t.Fatal(err)
		}
		if l.Outcome != "charged" || l.Questions != 1 || l.Charged != 1 || l.Spent != nil || l.SettledAt == nil {
			t.Errorf("line %+v", l)
		}
		got = append(got, l.Batch)
	}
	if diff := cmp.Diff([]string{ids[2], ids[1], ids[0]}, got); diff != "" {
		t.Errorf("batches, newest first (-want +got):\n%s", diff)
	}
	page := decoded[struct {
		Items      []client.Call `json:"items"`
		NextCursor *string       `json:"next_cursor"`
	}](t, w.do(t, "GET", "/v1/ledger?limit=2", ""))
	if len(page.Items) != 2 || page.NextCursor == nil {
		t.Fatalf("page of %d, cursor %v", len(page.Items), page.NextCursor)
	}
	rest := w.do(t, "GET", "/v1/ledger?limit=2&cursor="+*page.NextCursor, "")
	if last := decoded[struct {
		Items []client.Call `json:"items"`
	}](t, rest); len(last.Items) != 1 || last.Items[0].Batch != ids[0] {
		t.Errorf("last page: %s", rest.Body)
	}
	totals, err := c.LedgerTotals(t.Context(), client.LedgerOptions{Batch: ids[1]}, "batch")
	if err != nil || len(totals) != 1 || totals[0].Group != ids[1] || totals[0].Charged != 1 {
		t.Errorf("totals %+v, %v", totals, err)
	}
}

func TestBadQuestionsToTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for path, code := range map[string]string{
		"/v1/ledger?from=yesterday": "bad_query", "/v1/ledger?limit=0": "bad_query", "/v1/ledger?by=day": "bad_query",
		"/v1/ledger/totals?by=plate": "bad_query",
	} {
		checkProblem(t, w.do(t, "GET", path, ""), http.StatusBadRequest, code)
	}
	checkProblem(t, w.do(t, "GET", "/v1/ledger?batch=b_none", ""), http.StatusNotFound, "no_such_batch")
}
