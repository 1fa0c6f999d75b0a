package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
)

func TestProblemsAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) { o.MaxRows = 1000 })
	c := dialled(t, w)
	o := client.SubmitOptions{Provider: "attestr", Format: client.CSV, Columns: []string{"Reg no"}}
	told := func(list string, as client.Format) (string, error) {
		var out bytes.Buffer
		err := c.Problems(t.Context(), o, strings.NewReader(list), as, &out)
		return out.String(), err
	}
	const list = "id,Reg no\na,DL01AA1000\nb,??\n\nc,X1\n"
	for as, want := range map[client.Format]string{
		client.CSV: "line,row,kind,column,code,message,id,Reg no\n3,2,invalid,Reg no,plate_characters,\"the plate holds '?', which cannot be part of it\",b,??\n",
		client.NDJSON: `{"line":3,"row":2,"kind":"invalid","column":"Reg no","code":"plate_characters",` +
			`"message":"the plate holds '?', which cannot be part of it","input":{"id":"b","Reg no":"??"}}` + "\n",
	} {
		got, err := told(list, as)
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %v\n%s\nwant it to begin with\n%s", as, err, got, want)
		}
	}
	if got, err := told(list, client.XLSX); err != nil || !strings.HasPrefix(got, "PK") {
		t.Errorf("XLSX: got %v, %d bytes", err, len(got))
	}
	if w.batches(t) > 0 {
		t.Error("a list was kept")
	}
	// A list that is longer than what connections hold is read as it is written.
	long := "id,Reg no\n" + strings.Repeat(strings.Repeat("b", 30000)+",??\n", 999)
	if got, err := told(long, client.NDJSON); err != nil || strings.Count(got, "\n") != 999 {
		t.Errorf("a long list: %v, %d lines", err, strings.Count(got, "\n"))
	}
	for name, bad := range map[string]string{"too many rows": strings.Repeat("b,??\n", 1001), "an open quote": strings.Repeat("b,??\n", 900) + "c,\"\n"} {
		if _, err := told("id,Reg no\n"+bad, client.CSV); err == nil {
			t.Errorf("%s: the answer looks whole", name)
		}
	}
	for name, path := range map[string]string{"no provider": "", "nobody": "?provider=nobody", "what is no parameter": "?provider=attestr&colour=red"} {
		if rec := w.do(t, "POST", "/v1/estimates/problems"+path, list, csvBody); rec.Code/100 != 4 {
			t.Errorf("%s: got %d %s", name, rec.Code, rec.Body)
		}
	}
	if rec := w.do(t, "POST", "/v1/estimates/problems?provider=attestr", list, csvBody, "Accept: text/html"); rec.Code != http.StatusNotAcceptable {
		t.Errorf("got %d, want 406", rec.Code)
	}
}
