package intake_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	plates = providers.Spec{Name: "attestr", Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate}}
	tolls  = providers.Spec{
		Name: "aopay", Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate},
		Params: []providers.Param{{Name: "operator", Required: true}},
	}
	banks = providers.Spec{
		Name: "aopay", Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate},
		Params: []providers.Param{{Name: "operator", Default: "311"}},
	}
	countries = providers.Spec{
		Name: "regnum", Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate},
		Params: []providers.Param{{Name: "nameservice", Default: "norway", Required: true}},
	}
	reports = providers.Spec{Name: "spectrumdata", Uses: []providers.Column{
		providers.Plate, providers.VIN, providers.LastName, providers.FirstName,
	}}
)

// owners takes a vehicle and a person, each in one of several ways.
var owners = providers.Spec{
	Name: "spectrumdata",
	Uses: []providers.Column{
		providers.Plate, providers.VIN, providers.FIOBirthHash, providers.LastName, providers.FirstName, providers.Patronymic,
		providers.Birth, providers.Passport, providers.INN,
	},
	Choices: []providers.Choice{
		{Name: "vehicle", Ways: []providers.Way{{Needs: []providers.Column{providers.Plate}}, {Needs: []providers.Column{providers.VIN}}}},
		{Name: "owner", Ways: []providers.Way{
			{Needs: []providers.Column{providers.FIOBirthHash}},
			{
				Needs: []providers.Column{providers.LastName, providers.FirstName, providers.Birth},
				May:   []providers.Column{providers.Patronymic},
			},
			{Needs: []providers.Column{providers.Passport}},
			{Needs: []providers.Column{providers.INN}},
		}},
	},
}

const pad = "DL01AA1000\n"

// lists are lists that are read; what is made of them is in the golden files.
var lists = []struct {
	name string
	in   string
	o    intake.Options
}{
	{"plain", "plate\n" + pad + "dl 01 aa 1001\n", intake.Options{}},
	{"no_last_line_end", "plate\nDL01AA1000", intake.Options{}},
	{"own_columns", "city,REG NUM,id,note\nPune,DL01AA1000,a-1,\nDelhi,dl01aa1001,a-2,x\n", intake.Options{}},
	{"semicolons", "grz;город\nА123ВС77;Москва, центр\n", intake.Options{}},
	{"tabs", "vehicle_number\tcity\nDL01AA1000\tPune, MH\n", intake.Options{}},
	{"excel_separator_line", "sep=;\nplate;note\nDL01AA1000;a,b\n", intake.Options{}},
	{"bom", "\xef\xbb\xbfplate\n" + pad, intake.Options{}},
	{"bom_and_quoted_header", "\xef\xbb\xbf\"plate\",\"city\"\n\"DL01AA1000\",\"Pune\"\n", intake.Options{}},
	{"crlf", "plate,city\r\nDL01AA1000,Pune\r\n\r\nDL01AA1001,Delhi\r\n", intake.Options{}},
	{"cr", "plate,city\rDL01AA1000,Pune\r\rDL01AA1001,Delhi\r", intake.Options{}},
	{"quotes", "plate,note\n\"DL01AA1000\",\"say \"\"hi\"\", twice\"\n\"DL01AA1001\",\"over\ntwo lines\"\n\"\",\"\"\nDL01AA1002,\n", intake.Options{}},
	{"blank_lines", "\n\nplate,city\n\n,\nDL01AA1000,Pune\n  \n", intake.Options{}},
	{"invalid_rows", "plate,note\n,none\n---,separators\nA,short\nAAAAAAAAAAAAAAAAAA,long\nБ123ВС77,letter\nDL01\x00AA1000,nul\n" +
		"\"A1\nB2\",two\nDL01AA1000,cells,moved,over\nDL01 5\" AA,quote\nDL01AA1000,good\nDL01AA1000,and more,,\nDL01AA1001\n", intake.Options{}},
	{"unnamed_and_repeated_columns", "plate,,note,note\n DL01AA1000 ,1,2,3\n", intake.Options{}},
	{"column_named", "number,plate\nDL01AA1000,not this\n", intake.Options{Columns: cols(providers.Plate, "Number")}},
	{"column_named_among_two", "reg,plate\nDL01AA1000,DL01AA1001\n", intake.Options{Columns: cols(providers.Plate, "reg")}},
	{"constants", "plate,city\nDL01AA1000,\nDL01AA1001,Pune\n", intake.Options{Set: map[string]string{"city": "Delhi", "fleet": "7"}}},
	{"parameter_set", "plate\n" + pad, intake.Options{Spec: tolls, Set: map[string]string{"operator": "311"}}},
	{"parameter_by_default", "plate,operator\nDL01AA1000,312\nDL01AA1001,\n", intake.Options{Spec: banks}},
	{"parameter_set_over_default", "plate\n" + pad, intake.Options{Spec: banks, Set: map[string]string{"operator": "313"}}},
	{"parameter_of_row", "plate,operator\nDL01AA1000,312\nDL01AA1001,\n", intake.Options{Spec: tolls, Set: map[string]string{"operator": "311"}}},
	{"parameter_missing_in_row", "plate,operator\nDL01AA1000,312\nDL01AA1001,\n", intake.Options{Spec: tolls}},
	{"parameter_of_row_that_is_no_column", "plate,Name Service\nDL01AA1000,finland\nDL01AA1001,\n", intake.Options{Spec: countries}},
	{"operator_unused", "plate,operator\nDL01AA1000,312\n", intake.Options{}},
	{"people", "vin,last name,First_Name,birth\n1m8gdm9axkp042788, Иванов ,Иван  И.,01.02.1980\nbad,Иванов,,\n,,,\n,\"a\x01b\",,\n", intake.Options{Spec: reports}},
	{"choices", "plate,vin,last_name,first_name,patronymic,birth,passport,inn,fio_birth_hash\n" + strings.Join([]string{
		"А111АА77,,Иванов,Иван,Иванович,31.01.2000,,,",
		",1M8GDM9AXKP042788,Петрова,Анна,,2000-01-31,,,",
		"a111aa77,1M8GDM9AXKP042788,Иванов,Иван,,1.1.2000,1234 567890,7700000000,8E759D3DE6096029B95B4A715E57E7E9", // the hash wins
		"---,1M8GDM9AXKP042788,,,,,1234 567890,bad,",                                                               // what is not asked with may be wrong
		"A111AA77,,Иванов,,,31.01.2000,,7700000000,",
		"A111AA77,,Иванов,,,31.01.2000,,,",
		"A111AA77,,Иванов,Иван,,31.02.2000,1234567890,,", // one that has precedence may not
		"Б111АА77,1M8GDM9AXKP042788,,,,,1234567890,,",
		",,,,,,1234567890,,",
		",,,,,,,,",
		"---,,Иванов,,,,,,",
	}, "\n"), intake.Options{Spec: owners}},
	{"choices_filled_by_set", "number\nA111AA77\n", intake.Options{Spec: owners, Columns: cols(providers.Plate, "number"), Set: map[string]string{"inn": "7700000000"}}},
	{"limit", "plate\nDL01AA1000\nDL01AA1001\nDL01AA1002\n", intake.Options{Limit: 2}},
	{"jsonl", `{"plate":"DL01AA1000","city":"Pune","seats":5,"tags":["a", {"b":1}],"id":17}` + "\n\n" +
		`  { "city" : "De\u006chi\n" , "plate" : "dl 01 aa 1001" , "electric" : true, "note": null }  ` + "\r\n", intake.Options{}},
	{"jsonl_invalid_rows", strings.Join([]string{
		`{"plate":"DL01AA1000"}`, `not json`, `["DL01AA1000"]`, `"DL01AA1000"`, `{"plate":"DL01AA1000"} {}`, `{"plate":"DL01AA1000",}`,
		`{"plate":"DL01AA1000","plate":"DL01AA1001"}`, `{"plate":1.5}`, `{"plate":["DL01AA1000"]}`, `{"plate":null}`, `{}`,
		`{"plate":"\ud800A1"}`, `{"plate":1234}`, `{"deep":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	}, "\n"), intake.Options{}},
}

func cols(c providers.Column, name string) map[providers.Column]string {
	return map[providers.Column]string{c: name}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, tt := range lists {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := tt.o
			if o.Spec.Name == "" {
				o.Spec = plates
			}
			r, err := intake.Open(strings.NewReader(tt.in), o)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name, dump(t, r))
		})
	}
}

// dump writes what a Reader says, a line for each row.
func dump(t *testing.T, r *intake.Reader) string {
	t.Helper()
	var b strings.Builder
	line := func(what string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s\n", what, text)
	}
	line("shape", r.Shape().String())
	line("columns", r.Columns())
	line("found", r.Found())
	line("params", r.Params())
	for _, row := range readAll(t, r) {
		line(fmt.Sprintf("row of line %d", row.Line), row.NewRow)
	}
	return b.String()
}

func readAll(t *testing.T, r *intake.Reader) []intake.Row {
	t.Helper()
	var rows []intake.Row
	for {
		row, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
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

func TestSum(t *testing.T) {
	t.Parallel()
	sum := func(in string, o intake.Options) [32]byte {
		o.Spec = plates
		r, err := intake.Open(strings.NewReader(in), o)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, r)
		return r.Sum()
	}
	const list = "plate,reg2\nDL01AA1000,A1\nDL01AA1001,A2\n"
	base := sum(list, intake.Options{})
	for _, tt := range []struct {
		name string
		got  [32]byte
		same bool
	}{
		{"again", sum(list, intake.Options{}), true},
		{"other line ends", sum(strings.ReplaceAll(list, "\n", "\r\n"), intake.Options{}), true},
		{"other row", sum(strings.Replace(list, "1001", "1002", 1), intake.Options{}), false},
		{"other own column", sum(strings.Replace(list, "A2", "A3", 1), intake.Options{}), false},
		{"fewer rows", sum(list, intake.Options{Limit: 1}), false},
		{"limit beyond the end", sum(list, intake.Options{Limit: 9}), true},
		{"another column", sum(list, intake.Options{Columns: cols(providers.Plate, "reg2")}), false},
		{"a constant", sum(list, intake.Options{Set: map[string]string{"city": "Pune"}}), false},
	} {
		if (tt.got == base) != tt.same {
			t.Errorf("%s: same is %v, want %v", tt.name, tt.got == base, tt.same)
		}
	}
}

func TestOpenItems(t *testing.T) {
	t.Parallel()
	items := []json.RawMessage{[]byte(`{"plate":"DL01AA1000",` + "\n" + `"id":"a"}`), []byte(`"no"`), []byte("{\"plate\":\"A\xff\"}")}
	r, err := intake.OpenItems(items, intake.Options{Spec: plates})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range readAll(t, r) {
		code := ""
		if row.Problem != nil {
			code = row.Problem.Code
		}
		got = append(got, row.CallerID+"/"+row.Question.Subject[providers.Plate]+"/"+code)
	}
	want := []string{"a/DL01AA1000/", "//json_object", "//json_object"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if _, err := intake.OpenItems(nil, intake.Options{Spec: plates}); !errors.Is(err, intake.ErrEmptyList) {
		t.Errorf("no items: got %v, want %v", err, intake.ErrEmptyList)
	}
}
