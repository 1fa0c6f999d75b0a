package export_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/plateq/plateq/internal/diff"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

func TestChangesComeOutInEveryForm(t *testing.T) {
	t.Parallel()
	before := store.Batch{ID: "b_1", Columns: []string{"city", "plate"}}
	after := store.Batch{ID: "b_2", Columns: []string{"plate", "row", "city"}}
	subject := providers.Subject{providers.Plate: "DL01AA1000"}
	was := &store.Row{Number: 7, CallerID: "=a", Subject: subject, Line: []string{"Pune", "dl01aa1000"}, State: store.Found}
	is := &store.Row{Number: 3, Subject: subject, Line: []string{"DL01AA1000", "x", "=Goa"}, State: store.NotFound}
	all := []diff.Change{
		{Kind: diff.Added, After: is},
		{Kind: diff.Removed, Before: was},
		{Kind: diff.Changed, Before: was, After: is, Fields: []diff.Field{
			{Name: "owner.name", Before: json.RawMessage(`"=x"`)}, {Name: "n", Before: json.RawMessage("1"), After: json.RawMessage(`[1,"<"]`)},
		}},
	}
	write := func(o export.Options) string {
		var out bytes.Buffer
		c, err := export.NewChanges(&out, before, after, o)
		for _, x := range all {
			if err == nil {
				err = c.Write(x)
			}
		}
		if err == nil {
			err = c.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const (
		added   = `{"change":"added","row":3,"before_row":null,"id":null,"plate":"DL01AA1000","vin":null,"status":"not_found","before_status":null,"fields":[],"input":{"plate":"DL01AA1000","row":"x","city":"=Goa"}}`
		removed = `{"change":"removed","row":null,"before_row":7,"id":"=a","plate":"DL01AA1000","vin":null,"status":null,"before_status":"found","fields":[],"input":{"city":"Pune","plate":"dl01aa1000"}}`
		changed = `{"change":"changed","row":3,"before_row":7,"id":null,"plate":"DL01AA1000","vin":null,"status":"not_found","before_status":"found","fields":[` +
			`{"field":"owner.name","before":"=x","after":null},{"field":"n","before":1,"after":[1,"<"]}],"input":{"plate":"DL01AA1000","row":"x","city":"=Goa"}}`
	)
	for format, want := range map[export.Format]string{
		export.JSONL: added + "\n" + removed + "\n" + changed + "\n",
		export.JSON:  "[\n" + added + ",\n" + removed + ",\n" + changed + "\n]\n",
		export.CSV: "change,row,before_row,id,plate,vin,field,before,after,input.plate,input.row,city\n" +
			"added,3,,,DL01AA1000,,,,not_found,DL01AA1000,x,'=Goa\n" +
			"removed,,7,'=a,DL01AA1000,,,found,,dl01aa1000,,Pune\n" +
			"changed,3,7,,DL01AA1000,,owner.name,'=x,,DL01AA1000,x,'=Goa\n" +
			"changed,3,7,,DL01AA1000,,n,1,\"[1,\"\"<\"\"]\",DL01AA1000,x,'=Goa\n",
	} {
		if got := write(export.Options{Format: format}); got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", format, got, want)
		}
	}
	rows, err := opened(t, write(export.Options{Format: export.XLSX})).GetRows("changes")
	if err != nil || len(rows) != 5 || rows[3][7] != "=x" {
		t.Errorf("XLSX: got %q, %v", rows, err)
	}
}
