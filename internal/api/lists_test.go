package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plateq/plateq/client"
)

// TestListsComeBackWithTheirOwnColumns: files as people have them go in, and
// every row comes out with its plate, what became of it, and its own columns.
func TestListsComeBackWithTheirOwnColumns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	for file, tt := range map[string]struct {
		o    client.SubmitOptions
		want []string
	}{
		"numbers.xlsx": {want: []string{
			"plate|status|error.code|Fleet no|Registration|Depot",
			"4711123|found||1001|4711123|Pune",
			"98765|found||1002|98765|Goa & Panaji",
			"DL01AA1000|found||1003|DL 01 AA 1000|Pune",
			"1.2E+46|invalid|plate_type|1004|1.2E+46|Pune",
			"2026-03-12|invalid|plate_date|1005|2026-03-12|Goa & Panaji",
			"55501|found||1006|55501|",
		}},
		"russia-1251.csv": {o: client.SubmitOptions{Encoding: "windows-1251"}, want: []string{
			"plate|status|error.code|№ п/п|Гос. номер|Марка|Город, филиал",
			"A123BC77|found||1|А123ВС77|ГАЗель|Москва, центр",
			`M456TO178|found||2|м 456 то 178|КамАЗ "65115"|Санкт-Петербург`,
			"X001AM197|found||3|Х001АМ197||Тверь",
			"Ж001АМ97|invalid|plate_characters|4|Ж001АМ97|Лада|Тула",
		}},
		"france.csv": {want: []string{
			"plate|status|error.code|Réf.|Immatriculation|Modèle|Agence",
			`AB123CD|found||P-01|AB-123-CD|Kangoo "Grand"|Orléans`,
			"1234AB45|found||P-02|1234 AB 45|Clio|Saint-Étienne",
			"WW456AA|found||P-03|ww-456-aa|Zoé|Lyon; dépôt",
		}},
		"mexico.csv": {want: []string{
			"plate|status|error.code|Núm. económico|Placas|Submarca|Estado",
			"ABC123D|found||101|ABC-123-D|Versa|CDMX",
			"NA12345|found||102|NA 12345|Hilux|Nuevo León, norte",
			"12AB3C|found||103|12-AB-3C|Cascadia|Federal",
			"|invalid|plate_empty|104||Aveo|Jalisco",
		}},
	} {
		list, err := os.Open(filepath.Join("..", "intake", "testdata", "lists", file))
		if err != nil {
			t.Fatal(err)
		}
		defer list.Close()
		tt.o.Provider, tt.o.Format = "attestr", client.Any
		b, err := c.Submit(t.Context(), tt.o, list)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		w.answer(t, b.ID)
		var out bytes.Buffer
		if err := c.Download(t.Context(), b.ID, client.CSV, client.ResultsOptions{Input: true}, &out); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, ownColumns(t, &out)); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
}

// TestColumnsThatAreCalledLikeOursAndMeanAnotherThing come back as well.
func TestColumnsThatAreCalledLikeOursAndMeanAnotherThing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := dialled(t, w)
	const list = "reg no,plate,id,ref,vin,chassis\nDL01AA1000,white,mine,r1,v,c\n"
	for input, want := range map[bool][]string{
		false: {"plate|status|error.code|reg no|input.plate|input.id|ref|chassis", "DL01AA1000|found||DL01AA1000|white|mine|r1|c"},
		true:  {"plate|status|error.code|reg no|input.plate|input.id|ref|input.vin|chassis", "DL01AA1000|found||DL01AA1000|white|mine|r1|v|c"},
	} {
		b, err := c.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV, Columns: []string{"reg no", "id=ref"}}, strings.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		w.answer(t, b.ID)
		var out bytes.Buffer
		if err := c.Download(t.Context(), b.ID, client.CSV, client.ResultsOptions{Input: input}, &out); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, ownColumns(t, &out)); d != "" {
			t.Errorf("input %t (-want +got):\n%s", input, d)
		}
	}
}

// ownColumns are the plate, what became of it, and all columns behind ours.
func ownColumns(t *testing.T, out *bytes.Buffer) (lines []string) {
	t.Helper()
	table, err := csv.NewReader(out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) int { return slices.Index(table[0], name) }
	for _, row := range table {
		cells := []string{row[at("plate")], row[at("status")], row[at("error.code")]}
		lines = append(lines, strings.Join(append(cells, row[at("answered_at")+1:]...), "|"))
	}
	return lines
}

// TestRowsComeOutAsTheyWentIn: whatever a list holds, and however it is
// written, its rows come out in their order, once each, with what came in.
func TestRowsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	cell := rapid.StringOfN(rapid.SampledFrom([]rune("aZ09 .,;'\"=+-@\t\nЖé車\u00a0\u200b😀<&>|_")), 0, 12, -1)
	plate := rapid.OneOf(rapid.StringMatching(`DL0[1-3]AA100[0-9]`), cell)
	row := rapid.Custom(func(t *rapid.T) []string {
		return []string{rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "id"), plate.Draw(t, "plate"), cell.Draw(t, "note"), cell.Draw(t, "more")}
	})
	names := []string{"id", "plate", "note", "=more, or less"}
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(row, 1, 30).Draw(rt, "rows")
		media := rapid.SampledFrom([]string{csvBody, ndjson, jsonBody}).Draw(rt, "media")
		rec := w.do(t, "POST", "/v1/batches?"+map[bool]string{true: "", false: "provider=attestr"}[media == jsonBody], written(names, rows, media), media)
		if rec.Code/100 != 2 {
			rt.Fatalf("submit: %d %s", rec.Code, rec.Body)
		}
		id := decoded[client.Batch](t, rec).ID
		out := w.do(t, "GET", "/v1/batches/"+id+"/results?input=true", "", "Accept: application/x-ndjson")
		dec := json.NewDecoder(out.Body)
		for i, want := range rows {
			var got struct {
				Row   int
				ID    string
				Input map[string]string
			}
			if err := dec.Decode(&got); err != nil {
				rt.Fatalf("row %d of %d: %v", i+1, len(rows), err)
			}
			if got.Row != i+1 || got.ID != want[0] {
				rt.Fatalf("row %d of %q is at place %d, which is that of %q", got.Row, got.ID, i+1, want[0])
			}
			for j, name := range names {
				if got.Input[name] != want[j] {
					rt.Fatalf("row %d, %s: %q came in and %q came out", i+1, name, want[j], got.Input[name])
				}
			}
		}
		if dec.More() {
			rt.Fatalf("there are more than %d rows", len(rows))
		}
	})
}

// written writes rows as a body of that kind.
func written(names []string, rows [][]string, media string) string {
	var out bytes.Buffer
	if media == csvBody {
		c := csv.NewWriter(&out)
		_ = c.WriteAll(append([][]string{names}, rows...)) // into memory
		return out.String()
	}
	var items []string
	for _, row := range rows {
		item := map[string]string{}
		for i, name := range names {
			item[name] = row[i]
		}
		text, _ := json.Marshal(item) // of strings
		items = append(items, string(text))
	}
	if media == ndjson {
		return strings.Join(items, "\n")
	}
	return `{"provider":"attestr","items":[` + strings.Join(items, ",") + `]}`
}

// TestTheNameOfAListIsALabel: nothing is stored or given back under it.
func TestTheNameOfAListIsALabel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, name := range []string{"../../etc/passwd", "CON", "🚗 fleet\n", strings.Repeat("n", 200)} {
		rec := w.do(t, "POST", "/v1/batches?provider=attestr&name="+url.QueryEscape(name), "plate\nDL01AA1000\n", csvBody)
		b := decoded[client.Batch](t, rec)
		if rec.Code != http.StatusCreated || b.Name != name {
			t.Errorf("%q: got %d %s", name, rec.Code, rec.Body)
		}
		rec = w.do(t, "GET", "/v1/batches/"+b.ID+"/results", "", "Accept: text/csv")
		if got := rec.Header().Get("Content-Disposition"); got != `attachment; filename=`+b.ID+`.csv` {
			t.Errorf("%q comes back as %s", name, got)
		}
	}
	if rec := w.do(t, "POST", "/v1/batches?provider=attestr&name="+strings.Repeat("n", 300), "plate\nDL01AA1000\n", csvBody); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("a name of 300 characters: got %d", rec.Code)
	}
}
