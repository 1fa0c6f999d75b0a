package intake_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/intake"
)

func TestFaultsNameRowColumnAndReason(t *testing.T) {
	t.Parallel()
	const in = "city,Reg No\nPune,DL01AA1000\n\nDelhi,?\nGoa,DLO1AA1000\n\"a\nb\",\nAgra,DL01 \"x\n"
	r, err := intake.Open(strings.NewReader(in), intake.Options{Spec: india})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = intake.Faults(t.Context(), r, func(f intake.Fault) error {
		got = append(got, fmt.Sprintf("%d %d %t %q %s %q", f.Line, f.Row, f.Odd, f.Column, f.Code, f.Cells))
		return nil
	})
	want := []string{
		`4 2 false "Reg No" plate_characters ["Delhi" "?"]`,
		`5 3 true "Reg No" plate_shape ["Goa" "DLO1AA1000"]`,
		`6 4 false "Reg No" plate_empty ["a\nb" ""]`,
		`8 5 false "" csv_quote ["Agra" "DL01 \"x"]`,
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestFaultsEndWithWhoIsTold(t *testing.T) {
	t.Parallel()
	r, err := intake.Open(strings.NewReader("plate\n?\n?\n"), intake.Options{Spec: india})
	if err != nil {
		t.Fatal(err)
	}
	full, told := errors.New("disk full"), 0
	err = intake.Faults(t.Context(), r, func(intake.Fault) error {
		told++
		return full
	})
	if !errors.Is(err, full) || told != 1 {
		t.Errorf("got %v after %d faults, want %v after one", err, told, full)
	}
}
