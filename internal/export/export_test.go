package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

var answered = time.Date(2026, 11, 21, 15, 30, 0, 123_456_789, time.FixedZone("IST", 19800))

// fleet is a batch with a row in every state, and with cells that are hard to
// write.
var fleet = store.Batch{No: 1, ID: "b_1", Provider: "attestr", Columns: []string{"plate", "Owner, note", "status", "raw"}}

func fleetRows() []store.Row {
	subject := func(plate string) providers.Subject { return providers.Subject{providers.Plate: plate} }
	result := func(text string) *store.Answer {
		return &store.Answer{At: answered, Result: json.RawMessage(text), Raw: json.RawMessage(`<a b="1"/>`)}
	}
	failed := &store.Answer{At: answered, Failure: &store.Failure{Class: store.ClassProviderError, Code: "4007", Message: "=no \"such\" thing"}}
	rows := []store.Row{
		{CallerID: "a-1", Subject: subject("DL01AA1000"), Line: []string{"dl 01 aa 1000", `say "hi", now`, "active", ""}, State: store.Found,
			Answer: result(`{"valid":true,"status":"VALID_FOUND","contact":"9433952003"}`), Attempts: 1},
		{Subject: subject("DL01AA1001"), Line: []string{"DL01AA1001", "over\ntwo lines", "", ""}, State: store.Found,
			Answer: result("{\n  \"valid\": true,\n  \"contact\": null, \"owner\": {\"city\": \"+Pune\", \"tags\": [1, 2]}\n}"), Cached: true},
		{Subject: providers.Subject{providers.Plate: "DL01AA1002", providers.VIN: "1M8GDM9AXKP042788"}, Line: []string{"DL01AA1002", "=1+1", "+7", "@x"},
			State: store.NotFound, Answer: &store.Answer{At: answered.Add(time.Hour)}, Attempts: 2},
		{Subject: subject("DL01AA1003"), Line: []string{"DL01AA1003", "-5", "-5.25", "-x"}, State: store.Failed, Answer: failed, Attempts: 5},
		{Subject: subject("Б1"), Line: []string{"Б1", "\tb", "\rc", "＝d"}, State: store.Invalid,
			Problem: &store.Failure{Class: store.ClassInvalidInput, Code: "plate_characters", Message: "the plate holds 'Б'"}},
		{Subject: subject("DL01AA1005"), Line: []string{"DL01AA1005", "\x00\u2028<&>\xff", "", ""}, State: store.Unknown, Attempts: 1},
		{Subject: subject("DL01AA1006"), Line: []string{"DL01AA1006"}, State: store.Queued},
		{Subject: subject("DL01AA1000"), Line: []string{"DL01AA1000", "again", "", ""}, State: store.Cancelled},
	}
	for i := range rows {
		rows[i].Number = i + 1
	}
	return rows
}

// shelf is the part of a store that rows are read from.
type shelf struct {
	store.Reader // the rest is not called
	rows         []store.Row
	err          error
}

func (s shelf) Rows(_ context.Context, _ store.BatchNo, _ store.RowFilter, yield func(store.Row) error) error {
	for _, r := range s.rows {
		if err := yield(r); err != nil {
			return err
		}
	}
	return s.err
}

func stream(t *testing.T, b store.Batch, rows []store.Row, o export.Options) string {
	t.Helper()
	var out bytes.Buffer
	n, err := export.Stream(t.Context(), &out, shelf{rows: rows}, b, store.RowFilter{}, o)
	if err != nil || n != len(rows) {
		t.Fatalf("Stream = %d, %v, want %d rows", n, err, len(rows))
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	fields := []string{"valid", "status", "contact", "owner.city", "owner"}
	for _, tt := range []struct {
		name string
		o    export.Options
	}{
		{"rows.jsonl", export.Options{}},
		{"rows_extras.jsonl", export.Options{Format: export.JSONL, Extras: export.Extras{Input: true, Raw: true}}},
		{"rows.csv", export.Options{Format: export.CSV, Results: fields}},
		{"rows_extras.csv", export.Options{Format: export.CSV, Results: fields, Extras: export.Extras{Input: true, Raw: true}}},
		{"rows_plain.csv", export.Options{Format: export.CSV, Plain: true}},
		{"rows.json", export.Options{Format: export.JSON}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			golden(t, tt.name, stream(t, fleet, fleetRows(), tt.o))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// TestContract holds a row against the example that the contract gives.
func TestContract(t *testing.T) {
	t.Parallel()
	row := store.Row{
		Number: 1, CallerID: "caller's", Subject: providers.Subject{providers.Plate: "DL01AA1000"}, State: store.Found, Attempts: 1,
		Answer: &store.Answer{
			At:     time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
			Result: json.RawMessage(`{"valid":true,"status":"VALID_FOUND","contact":"9433952003"}`),
		},
	}
	const want = `{"batch":"b_1","row":1,"id":"caller's","provider":"attestr","plate":"DL01AA1000","vin":null,"status":"found",` +
		`"result":{"valid":true,"status":"VALID_FOUND","contact":"9433952003"},` +
		`"error":null,"attempts":1,"cached":false,"answered_at":"2026-11-21T10:00:00.000Z"}` + "\n"
	if got := stream(t, fleet, []store.Row{row}, export.Options{}); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// TestRowIsJSON: a Row says the same through encoding/json, there and back.
func TestRowIsJSON(t *testing.T) {
	t.Parallel()
	for _, r := range fleetRows() {
		row := export.FromStore(fleet, r, export.Extras{Input: true})
		row.AnsweredAt = store.Millis(row.AnsweredAt)
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		var back export.Row
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := json.Marshal(back)
		if err != nil || string(again) != string(text) {
			t.Errorf("row %d: got %s, %v, want %s", r.Number, again, err, text)
		}
	}
}

// FuzzFields: the fields of a result are those that encoding/json finds.
func FuzzFields(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":{"c":"x\n"}}`, `{"b.c":2,"b":{"c":3}}`, `[1]`, `{"a":"\u0041","a":null}`, `{ "a" : [ "}" , {} ] , "b" : { } }`, `{`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, result string) {
		var ref map[string]json.RawMessage
		if json.Unmarshal([]byte(result), &ref) != nil || strings.Contains(result, "\\") {
			return
		}
		o := export.Options{Format: export.CSV, Results: []string{"a"}, Plain: true}
		out := stream(t, store.Batch{}, []store.Row{{Answer: &store.Answer{Result: json.RawMessage(result)}}}, o)
		table, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := string(ref["a"])
		if want == "null" {
			want = ""
		}
		want = strings.ReplaceAll(strings.Trim(want, `"`), "\r\n", "\n")
		if got := strings.Trim(table[1][7], `"`); got != want {
			t.Fatalf("%q: got %q, want %q", result, got, want)
		}
	})
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a\"b\\", "\x00\x1f\x7f", "\u2028é", "\xff\xc0", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := store.Batch{ID: "b", Columns: []string{s}}
		line := export.FromStore(b, store.Row{CallerID: s, Line: []string{s}}, export.Extras{Input: true}).AppendJSON(nil)
		if bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("%q is not one line", line)
		}
		var got struct {
			ID    *string
			Input map[string]string
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		text, _ := json.Marshal(s) // the reference
		var want string
		_ = json.Unmarshal(text, &want)
		if (s == "") != (got.ID == nil) || got.ID != nil && *got.ID != want || got.Input[want] != want {
			t.Fatalf("%q came back as %+v", s, got)
		}
	})
}

// TestEveryRowOnce: any number of rows comes out in order, each once.
func TestEveryRowOnce(t *testing.T) {
	t.Parallel()
	b := store.Batch{ID: "b_1", Provider: "attestr", Columns: []string{"note"}}
	rows := make([]store.Row, 5000)
	for i := range rows {
		rows[i] = store.Row{Number: i + 1, CallerID: fmt.Sprint(i), State: store.Queued, Line: []string{fmt.Sprintf("\"%d\",\n;", i)}}
	}
	table, err := csv.NewReader(strings.NewReader(stream(t, b, rows, export.Options{Format: export.CSV}))).ReadAll()
	if err != nil || len(table) != len(rows)+1 {
		t.Fatalf("CSV of %d lines, %v, want %d", len(table), err, len(rows)+1)
	}
	lines := strings.Split(strings.TrimSpace(stream(t, b, rows, export.Options{Extras: export.Extras{Input: true}})), "\n")
	if len(lines) != len(rows) {
		t.Fatalf("%d lines of JSON, want %d", len(lines), len(rows))
	}
	for i, want := range rows {
		var got export.Row
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		var input map[string]string
		if err := json.Unmarshal(got.Input, &input); err != nil {
			t.Fatal(err)
		}
		cells := table[i+1]
		if got.Number != i+1 || got.ID != want.CallerID || input["note"] != want.Line[0] ||
			cells[1] != fmt.Sprint(i+1) || cells[2] != want.CallerID || cells[len(cells)-1] != want.Line[0] {
			t.Fatalf("row %d: got %s and %q", i+1, lines[i], cells)
		}
	}
}

func TestStreamEnds(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	for _, f := range []export.Format{export.CSV, export.JSONL, export.JSON, export.XLSX} {
		_, err := export.Stream(t.Context(), io.Discard, shelf{rows: fleetRows(), err: gone}, fleet, store.RowFilter{}, export.Options{Format: f})
		if !errors.Is(err, gone) {
			t.Errorf("%s: the store fails: got %v, want %v", f, err, gone)
		}
		if _, err = export.Stream(t.Context(), failing{gone}, shelf{rows: fleetRows()}, fleet, store.RowFilter{}, export.Options{Format: f}); !errors.Is(err, gone) {
			t.Errorf("%s: the stream fails: got %v, want %v", f, err, gone)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, name string
		want       export.Format
		err        string
	}{
		{"out.csv", "", export.CSV, ""},
		{"OUT.NDJSON", "", export.JSONL, ""},
		{"-", "", export.JSONL, ""},
		{"", "csv", export.CSV, ""},
		{"out.dat", "jsonl", export.JSONL, ""},
		{"out.ods", "", "", "rows are not written as .ods: give one of csv, jsonl, json, xlsx, or name the format with --format"},
		{"out", "", "", "rows are not written to a file without an ending: give one of csv, jsonl, json, xlsx, or name the format with --format"},
		{"out.csv", "parquet", "", "rows are not written as parquet: give one of csv, jsonl, json, xlsx, or name the format with --format"},
	} {
		got, err := export.FormatOf(tt.path, tt.name)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("FormatOf(%q, %q) = %q, %q, want %q, %q", tt.path, tt.name, got, text, tt.want, tt.err)
		}
	}
	if _, err := export.New(io.Discard, fleet, export.Options{Format: "ods"}); err == nil {
		t.Error("New with an unknown format: no error")
	}
}

func BenchmarkWrite(b *testing.B) {
	row := fleetRows()[0]
	for _, o := range []export.Options{
		{Format: export.JSONL},
		{Format: export.JSONL, Extras: export.Extras{Input: true}},
		{Format: export.CSV, Results: []string{"valid", "status", "contact"}},
	} {
		b.Run(fmt.Sprintf("%s_input_%v", o.Format, o.Input), func(b *testing.B) {
			w, err := export.New(io.Discard, fleet, o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(row); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
