package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// TestWhatObjectsMean is said by the names of their members, in each object
// anew, in whatever place of the list it stands.
func TestWhatObjectsMean(t *testing.T) {
	t.Parallel()
	// Objects behind so many others are no part of the sample.
	for where, before := range map[string]int{"at the start": 0, "behind the sample": 1000} {
		for object, want := range map[string]string{
			`{"plate":"DL01AB1000"}`:                                       "DL01AB1000 at 311",
			`{"reg no":"DL01AB1000"}`:                                      "DL01AB1000 at 311",
			`{"Vehicle_Number":"dl 01 ab 1000","ID":7}`:                    "DL01AB1000 at 311 for 7",
			`{"operator":"412","id":"late","plate":"DL01AB1000"}`:          "DL01AB1000 at 412 for late",
			`{"plate":"DL01AB1000","Operator":412}`:                        "DL01AB1000 at 412",
			`{"plate":"DL01AB1000","operator":" "}`:                        "DL01AB1000 at 311",
			`{"plate":null,"reg":"DL01AB1000"}`:                            "DL01AB1000 at 311",
			`{"plate":"DL01AB1000","reg":"DL01AB1000"}`:                    "DL01AB1000 at 311",
			`{"plate":"DL01AB1000","reg":"DL01AB1001"}`:                    `plate_repeated: the plate could be "plate" and "reg": say which one with --column plate=NAME, or rename the other`,
			`{"plate":"DL01AB1000","id":"a","Id":"b"}`:                     `id_repeated: the id could be "id" and "Id": say which one with --column id=NAME, or rename the other`,
			`{"plate":"DL01AB1000","vin":"a","chassis":"b"}`:               "DL01AB1000 at 311", // nobody is asked about either
			`{"plate":["DL01AB1000"]}`:                                     "plate_type in plate: the plate is neither text nor a whole number",
			`{"reg":true}`:                                                 "plate_type in reg: the plate is neither text nor a whole number",
			`{"city":"Pune"}`:                                              "plate_empty in plate: the plate is missing",
			`{"plate":"DL01AB1000","note":{"plate":"DL01AB1001"},"x":"y"}`: "DL01AB1000 at 311",
			`["DL01AB1000"]`:                                               "json_object: the line is not a JSON object",
		} {
			in := strings.Repeat(`{"plate":"DL01AA1000"}`+"\n", before+1) + object + "\n"
			rows := readAll(t, openList(t, strings.NewReader(in), intake.Options{Spec: banks}))
			if diff := cmp.Diff(want, meaning(rows[len(rows)-1])); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", object, where, diff)
			}
		}
	}
}

// meaning writes a row in a line.
func meaning(r intake.Row) string {
	if r.Problem != nil {
		in := ""
		if r.Column != "" {
			in = " in " + r.Column
		}
		return fmt.Sprintf("%s%s: %s", r.Problem.Code, in, r.Problem.Message)
	}
	text := fmt.Sprintf("%s at %s", r.Question.Subject[providers.Plate], r.Question.Params["operator"])
	if r.CallerID != "" {
		text += " for " + r.CallerID
	}
	return text
}

// TestWhatIsSetForObjects stands back for what they say themselves, under
// whatever name.
func TestWhatIsSetForObjects(t *testing.T) {
	t.Parallel()
	in := `{"plate":"DL01AB1000","id":"a"}
{"reg":"DL01AB1001","operator":"412"}
{"reg":" ","id":null}
`
	r := openList(t, strings.NewReader(in), intake.Options{Spec: banks, Set: map[string]string{"plate": "DL01AB9999", "id": "all", "operator": "500"}})
	var got []string
	for _, row := range readAll(t, r) {
		got = append(got, meaning(row)+" "+strings.Join(row.NewRow.Line, "|"))
	}
	want := []string{
		"DL01AB1000 at 500 for a DL01AB1000|a||",
		"DL01AB1001 at 412 for all |all|DL01AB1001|412",
		"DL01AB9999 at 500 for all DL01AB9999|all| |",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

// TestAColumnThatIsNamedIsTheOnlyOne, of objects too.
func TestAColumnThatIsNamedIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	in := `{"plate":"white","number":"DL01AB1000"}
{"reg":"DL01AB1001"}
`
	columns, err := intake.ParseColumns([]string{"number"})
	if err != nil {
		t.Fatal(err)
	}
	r := openList(t, strings.NewReader(in), intake.Options{Spec: banks, Columns: columns})
	rows := readAll(t, r)
	if got := meaning(rows[0]); got != "DL01AB1000 at 311" {
		t.Errorf("got %s", got)
	}
	if got := meaning(rows[1]); got != "plate_empty in number: the plate is missing" {
		t.Errorf("got %s", got)
	}
	if diff := cmp.Diff([]string{"input.plate", "number", "reg"}, r.Columns()); diff != "" {
		t.Errorf("columns differ (-want +got):\n%s", diff)
	}
}

// TestItemsAreNeverRefusedForOneOfThem, nor for what all of them lack; a file
// of which no row says what it is about is taken for a mistake.
func TestItemsAreNeverRefusedForOneOfThem(t *testing.T) {
	t.Parallel()
	const in = `{"city":"Pune"}` + "\n"
	rows := readAll(t, openList(t, strings.NewReader(in), intake.Options{Spec: banks, Items: true}))
	if got := meaning(rows[0]); len(rows) != 1 || got != "plate_empty in plate: the plate is missing" {
		t.Errorf("got %s", got)
	}
	if _, err := intake.Open(strings.NewReader(in), intake.Options{Spec: banks}); err == nil {
		t.Error("got a list without a plate, want it to be refused")
	}
	for _, in := range []string{"{}\n", "{}\n{}\n"} {
		rows := readAll(t, openList(t, strings.NewReader(in), intake.Options{Spec: banks, Items: true}))
		if n := strings.Count(in, "{"); len(rows) != n || meaning(rows[0]) != "plate_empty in plate: the plate is missing" {
			t.Errorf("%q: got %d rows, the first %s", in, len(rows), meaning(rows[0]))
		}
	}
}
