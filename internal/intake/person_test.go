package intake_test

import (
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/providers"
)

// Each value is read through a list, as the forms of these columns have no
// use of their own.
func TestFormsOfPersons(t *testing.T) {
	t.Parallel()
	const hash = "8e759d3de6096029b95b4a715e57e7e9"
	for _, tc := range []struct {
		column    providers.Column
		in        string
		want, bad string // the canonical value, or the code
	}{
		{"birth", "31.01.2000", "31.01.2000", ""},
		{"birth", " 2000-01-31 ", "31.01.2000", ""},
		{"birth", "29.02.2000", "29.02.2000", ""},
		{"birth", "２９.02.2000", "29.02.2000", ""},
		{"birth", "29.02.2001", "", "birth_date"},
		{"birth", "31.04.2000", "", "birth_date"},
		{"birth", "2000-13-01", "", "birth_date"},
		{"birth", "00.01.2000", "", "birth_date"},
		{"birth", "31.01.1899", "", "birth_date"},
		{"birth", "31.01.2100", "", "birth_date"},
		{"birth", "1.1.2000", "", "birth_format"},
		{"birth", "31.01.00", "", "birth_format"},
		{"birth", "01/31/2000", "", "birth_format"},
		{"birth", "2000-01-31 00:00:00", "", "birth_format"},
		{"birth", "31012000", "", "birth_format"},
		{"birth", "+1.01.2000", "", "birth_format"},
		{"passport", "1234567890", "1234567890", ""},
		{"passport", "12 34 567890", "1234567890", ""},
		{"passport", "1234\u00a0567890", "1234567890", ""},
		{"passport", "123456789", "", "passport_length"},
		{"passport", "12345678901", "", "passport_length"},
		{"passport", "1234 № 567890", "", "passport_characters"},
		{"passport", "AB34567890", "", "passport_characters"},
		{"inn", "1234567890", "1234567890", ""},
		{"inn", "123456789012", "", "inn_length"},
		{"inn", "12345678X0", "", "inn_characters"},
		{"fio_birth_hash", strings.ToUpper(hash), hash, ""},
		{"passport_hash", " " + hash + " ", hash, ""},
		{"passport_hash", hash[:31], "", "passport_hash_format"},
		{"passport_hash", hash[:31] + "g", "", "passport_hash_format"},
		{"passport_hash", hash[:30] + "é", "", "passport_hash_format"},
	} {
		spec := providers.Spec{Name: "x", Needs: []providers.Column{tc.column}, Uses: []providers.Column{tc.column}}
		r, err := intake.Open(strings.NewReader(string(tc.column)+"\n"+tc.in+"\n"), intake.Options{Spec: spec})
		if err != nil {
			t.Fatal(err)
		}
		row, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case tc.bad != "" && (row.Problem == nil || row.Problem.Code != tc.bad):
			t.Errorf("%s %q: got problem %+v, want %s", tc.column, tc.in, row.Problem, tc.bad)
		case tc.bad == "" && (row.Problem != nil || row.Question.Subject[tc.column] != tc.want):
			t.Errorf("%s %q: got %q, %+v, want %q", tc.column, tc.in, row.Question.Subject[tc.column], row.Problem, tc.want)
		}
	}
}
