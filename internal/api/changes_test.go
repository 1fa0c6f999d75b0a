package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
)

func TestChangesSinceAnOlderList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	older := w.submitted(t, "plate,city\nDL01AA1000,Pune\nDL01AA1001,Goa\nDL01AA1002,Agra\n")
	w.answer(t, older.ID)
	newer := w.submitted(t, "id,plate\na,dl 01 aa 1001\nb,DL01AA1002\nc,DL01AA1003\n")
	w.answer(t, newer.ID)
	o := client.ChangesOptions{Since: older.ID}
	n, err := c.CountChanges(t.Context(), newer.ID, o)
	want := client.ChangeCounts{Since: older.ID, Batch: newer.ID, Added: 1, Removed: 1, Unclear: n.Unclear, Same: 2 - n.Unclear, Fields: map[string]int{}}
	if d := cmp.Diff(want, n); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	for as, want := range map[client.Format]string{
		client.CSV:    "removed,,1,,DL01AA1000,,,found,,,DL01AA1000\n",
		client.NDJSON: `{"change":"added","row":3,"before_row":null,"id":"c","plate":"DL01AA1003"`,
		client.XLSX:   "PK",
	} {
		var out bytes.Buffer
		if err := c.Changes(t.Context(), newer.ID, o, as, &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: got %v\n%s\nwant %s in it", as, err, out.String(), want)
		}
	}
	path := "/v1/batches/" + newer.ID + "/changes"
	for query, want := range map[string]int{
		"": http.StatusBadRequest, "?since=b_nobody": http.StatusNotFound, "?since=" + older.ID + "&colour=red": http.StatusBadRequest,
		"?since=" + older.ID + "&ignore=contact": http.StatusOK,
	} {
		if rec := w.do(t, "GET", path+query, ""); rec.Code != want {
			t.Errorf("%s: got %d %s, want %d", query, rec.Code, rec.Body, want)
		}
	}
	if rec := w.do(t, "GET", path+"?since="+older.ID, "", "Accept: text/html"); rec.Code != http.StatusNotAcceptable {
		t.Errorf("got %d, want 406", rec.Code)
	}
}
