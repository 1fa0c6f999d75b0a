package intake_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// TestAParameterOfARowIsText: a row whose parameter could not be sent as it was
// meant is invalid, in every form of a list, and those around it are not.
func TestAParameterOfARowIsText(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{
		"CSV":        "plate,Name Service\nDL01AA1000,finland\nDL01AA1001,get\x00kt\nDL01AA1002,get\x1bkt\nDL01AA1003,\"get\nkt\"\nDL01AA1004,\n",
		"JSON Lines": `{"plate":"DL01AA1000","Name Service":"finland"}` + "\n" + `{"plate":"DL01AA1001","Name Service":"get\u0000kt"}` + "\n" + `{"plate":"DL01AA1002","Name Service":"get\u001bkt"}` + "\n" + `{"plate":"DL01AA1003","Name Service":"get\nkt"}` + "\n" + `{"plate":"DL01AA1004"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := intake.Open(strings.NewReader(list), intake.Options{Spec: countries})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"finland", "", "", "", "norway"} // what is asked with; "": the row is invalid
			for _, service := range want {
				row, err := r.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got := row.Question.Params["nameservice"]; got != service {
					t.Errorf("line %d is asked with %q, want %q", row.Line, got, service)
				}
				if service != "" {
					continue
				}
				p := row.Problem
				if p == nil || p.Code != "nameservice_characters" || p.Message != "the nameservice holds a control character" || row.Column != "Name Service" {
					t.Errorf("line %d: got %+v about %q", row.Line, p, row.Column)
				}
				if row.Subject[providers.Plate] == "" {
					t.Errorf("line %d: the plate is not there for people to recognise it", row.Line)
				}
			}
			if _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("got %v behind the last row", err)
			}
		})
	}
}

// TestAParameterOfAListIsText: for all rows it is the request that is wrong, and
// it says which parameter, without its value.
func TestAParameterOfAListIsText(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"get\x00kt", "get\x1bkt", "get\nkt", "get\xffkt"} {
		_, err := intake.Open(strings.NewReader(pad+pad), intake.Options{
			Spec: countries, Columns: cols(providers.Plate, "DL01AA1000"), Set: map[string]string{"nameservice": value},
		})
		e, ok := errors.AsType[*intake.InputError](err)
		if !ok || e.Code != intake.CodeMalformedOption || e.Column != "nameservice" || strings.Contains(e.Error(), "get") {
			t.Errorf("%q: got %v, want an error that names the parameter", value, err)
		}
	}
	if _, err := intake.Open(strings.NewReader("plate,note\n"+"DL01AA1000,\n"), intake.Options{
		Spec: countries, Set: map[string]string{"nameservice": "norway", "note": "two\nlines"},
	}); err != nil {
		t.Errorf("a column of the caller's own: got %v", err)
	}
}
