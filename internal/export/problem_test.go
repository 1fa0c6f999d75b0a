package export_test

import (
	"bytes"
	"testing"

	"github.com/plateq/plateq/internal/export"
)

func TestProblemsComeOutInEveryForm(t *testing.T) {
	t.Parallel()
	all := []export.Problem{
		{Line: 3, Row: 2, Kind: export.ProblemInvalid, Column: "=Reg", Code: "plate_empty", Message: "the plate is missing", Cells: []string{"", "=1+1"}},
		{Line: 7, Row: 4, Kind: export.ProblemOdd, Code: "plate_shape", Message: "a \"quote\" <&>", Cells: []string{"X"}},
	}
	write := func(o export.Options) string {
		var out bytes.Buffer
		p, err := export.NewProblems(&out, o, []string{"plate", "line"})
		for _, x := range all {
			if err == nil {
				err = p.Write(x)
			}
		}
		if err == nil {
			err = p.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const lines = `{"line":3,"row":2,"kind":"invalid","column":"=Reg","code":"plate_empty","message":"the plate is missing","input":{"plate":"","line":"=1+1"}}` + "\n" +
		`{"line":7,"row":4,"kind":"odd","column":"","code":"plate_shape","message":"a \"quote\" <&>","input":{"plate":"X","line":""}}` + "\n"
	for format, want := range map[export.Format]string{
		export.JSONL: lines,
		export.CSV: "line,row,kind,column,code,message,plate,input.line\n" +
			"3,2,invalid,'=Reg,plate_empty,the plate is missing,,'=1+1\n" +
			"7,4,odd,,plate_shape,\"a \"\"quote\"\" <&>\",X,\n",
	} {
		if got := write(export.Options{Format: format}); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", format, got, want)
		}
	}
	rows, err := opened(t, write(export.Options{Format: export.XLSX})).GetRows("problems")
	if err != nil || len(rows) != 3 || rows[1][7] != "=1+1" || rows[2][5] != `a "quote" <&>` {
		t.Errorf("XLSX: got %q, %v", rows, err)
	}
}

func TestNoFileIsWrittenInAFormatThatThereIsNot(t *testing.T) {
	t.Parallel()
	if _, err := export.NewProblems(&bytes.Buffer{}, export.Options{Format: "pdf"}, nil); err == nil {
		t.Error("problems were written as pdf")
	}
}
