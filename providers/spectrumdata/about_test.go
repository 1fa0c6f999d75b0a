package spectrumdata_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers"
)

// TestAReportOfAnotherIsNotTheAnswer: a report that a person named is the
// answer unless it says that it is about another vehicle or person.
func TestAReportOfAnotherIsNotTheAnswer(t *testing.T) {
	t.Parallel()
	sent := providers.Subject{
		providers.LastName: "Королёв", providers.FirstName: "Иван", providers.Patronymic: "Иванович", providers.Birth: "01.02.2000",
		providers.Plate: "A111AA00",
	}
	const same = `"last_name":"КОРОЛЕВ","first_name":"Иван","birth":"2000-02-01T00:00","grz":"A111AA00"`
	for query, another := range map[string]bool{
		``:     false,
		`null`: false, `"A222AA00"`: false, `{}`: false, `{"type":"MULTIPART","body":" "}`: false,
		`{"data":{` + same + `}}`:                         false,
		`{"data":{"grz":"а111 аа 00"}}`:                   false,
		`{"data":{"grz":"А***АА00","last_name":"К*"}}`:    false,
		`{"data":{"grz":null,"vin":"EXAMPL0V1N1000000"}}`: false,
		`{"data":"x"}`:                                     false,
		`{"type":"GRZ","body":"А111АА00"}`:                 false,
		`{"type":"VIN","body":"EXAMPL0V1N1000000"}`:        false,
		`{"type":"GRZ","body":"А222АА00"}`:                 true,
		`{"data":{"grz":"А222АА00"}}`:                      true,
		`{"data":{"grz":"А111АА00","last_name":"Петров"}}`: true,
		`{"data":{` + same + `,"patronymic":"Петрович"}}`:  true,
		`{"data":{"birth":"01.02.2001"}}`:                  true,
	} {
		for _, state := range []string{"OK", "PROGRESS"} {
			report := reportAnswer("x@example", 0, state, `{"check_person":{"vehicle_validator":{"ownedStatus":"OWN"}}}`)
			if query != "" {
				report = strings.Replace(report, `"progress_ok"`, `"query":`+query+`,"progress_ok"`, 1)
			}
			s := newServer(t, always(200, report))
			set := newSet(t, newProvider(t, config(s.URL)))
			for _, named := range []bool{true, false} {
				got, err := set.Poll(t.Context(), "spectrumdata", providers.Ticket{ID: "x@example", Named: named}, []providers.Request{about(sent)})
				if err != nil {
					t.Fatal(err)
				}
				missing := len(got.Outcomes) == 1 && errors.Is(got.Outcomes[0].Err, providers.Missing)
				if missing != (another && named) || !missing && len(got.Outcomes) == 1 != (state == "OK") {
					t.Errorf("%s, %s, named %t: got %+v", query, state, named, got.Outcomes)
				}
				if said := fmt.Sprint(got.Notices, got.Outcomes); missing && (strings.Contains(said, "222") || strings.Contains(said, "Петров")) {
					t.Errorf("%s: what is said of it tells who it is about: %s", query, said)
				}
			}
		}
	}
}

// TestANamedReportAnswersOne: where several wait on it, it is nobody's.
func TestANamedReportAnswersOne(t *testing.T) {
	t.Parallel()
	s := newServer(t, always(200, reportAnswer("x@example", 0, "OK", `{"check_person":{"vehicle_validator":{"ownedStatus":"OWN"}}}`)))
	set := newSet(t, newProvider(t, config(s.URL)))
	open := []providers.Request{request(nil), request(nil)}
	open[1].Ref, open[1].Subject = "r1", providers.Subject{providers.Plate: "B222BB00", providers.Passport: "1234567890"}
	got, err := set.Poll(t.Context(), "spectrumdata", providers.Ticket{ID: "x@example", Named: true}, open)
	if err != nil || len(got.Outcomes) != 2 {
		t.Fatalf("got %+v, %v, want two outcomes", got, err)
	}
	for _, o := range got.Outcomes {
		if !errors.Is(o.Err, providers.Missing) {
			t.Errorf("%s became %+v, want missing", o.Ref, o)
		}
	}
}
