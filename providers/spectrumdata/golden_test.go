package spectrumdata_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
)

var update = flag.Bool("update", false, "write what is got to testdata")

// wantGolden compares got with the file of that name.
func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

const (
	hash = "8e759d3de6096029b95b4a715e57e7e9"
	vin  = "EXAMPL0V1N1000000"
)

// asked are requests to make a report, one for each way to ask.
var asked = map[string]providers.Request{
	"make-fio-birth-hash": about(providers.Subject{providers.FIOBirthHash: hash, providers.VIN: vin}),
	"make-passport-hash":  about(providers.Subject{providers.PassportHash: hash, providers.VIN: vin}),
	"make-name": about(providers.Subject{
		providers.LastName: "Иванов", providers.FirstName: "Иван", providers.Patronymic: "Иванович", providers.Birth: "01.01.2000", providers.VIN: vin,
	}),
	"make-name-without-patronymic": about(providers.Subject{
		providers.LastName: "О'Нил", providers.FirstName: "Анна <Мария>", providers.Birth: "01.01.2000", providers.VIN: vin,
	}),
	"make-passport": about(providers.Subject{providers.Passport: "1234567890", providers.Body: "GX100-6012345"}),
	"make-inn":      about(providers.Subject{providers.INN: "1234567890", providers.Plate: "A111AA00"}),
	"make-all-letters": about(providers.Subject{
		providers.INN: "1234567890", providers.Plate: "ABEKMHOPCTYX0123456789",
	}),
	"make-first-ways-win": about(providers.Subject{
		providers.FIOBirthHash: hash, providers.PassportHash: hash, providers.LastName: "Иванов", providers.FirstName: "Иван",
		providers.Birth: "01.01.2000", providers.Passport: "1234567890", providers.INN: "1234567890",
		providers.Plate: "A111AA00", providers.VIN: vin, providers.Body: "GX100",
	}),
	"make-force": {
		Ref: "r0", Params: providers.Params{"force": "true"},
		Subject: providers.Subject{providers.INN: "1234567890", providers.Plate: "A111AA00"},
	},
	"refresh": {
		Ref: "r0", Prior: &providers.Ticket{ID: "TYPE_eyJ0eXBlIjoiR1JaIn0=@domain/1"},
		Subject: providers.Subject{providers.INN: "1234567890", providers.Plate: "A111AA00"},
	},
}

func TestRequestsAsSent(t *testing.T) {
	t.Parallel()
	for name, r := range asked {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, always(200, madeAnswer("x@example")))
			outs, err := newSet(t, newProvider(t, config(s.URL))).Submit(t.Context(), "spectrumdata", []providers.Request{r})
			if err != nil || outs[0].Ticket == nil {
				t.Fatalf("got %+v, %v, want a ticket", outs, err)
			}
			wantGolden(t, name+".request", strings.Join(s.got(), "\n"))
		})
	}
	t.Run("report", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, always(200, reportAnswer("x", 1, "PROGRESS", "{}")))
		ticket := providers.Ticket{ID: "TYPE_eyJ0eXBlIjoiR1JaIn0=@domain/../1?x#é"}
		if _, err := newSet(t, newProvider(t, config(s.URL))).Poll(t.Context(), "spectrumdata", ticket, nil); err != nil {
			t.Fatal(err)
		}
		wantGolden(t, "report.request", strings.Join(s.got(), "\n"))
	})
	t.Run("balance", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, always(200, balance("DAY", 0, 0, 0)))
		if _, err := newProvider(t, config(s.URL)).Balance(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantGolden(t, "balance.request", strings.Join(s.got(), "\n"))
	})
	t.Run("user", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, always(200, `{"state":"ok","size":1,"data":[{}]}`))
		if err := newProvider(t, config(s.URL)).Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantGolden(t, "user.request", strings.Join(s.got(), "\n"))
	})
}

// TestAnswers reads each testdata/*.json: an answer, what it is an answer to
// and its status, if that is not 200, and, in the golden file beside it, what
// we make of it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want answers in testdata", files, err)
	}
	for _, file := range files {
		name, ending, _ := strings.Cut(filepath.Base(file), ".")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			status := 200
			if text, ok := strings.CutSuffix(ending, ".json"); ok {
				if status, err = strconv.Atoi(text); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
			}
			s := newServer(t, always(status, string(body)))
			set := newSet(t, newProvider(t, config(s.URL)))
			var got bytes.Buffer
			if strings.HasPrefix(name, "make") {
				outs, err := set.Submit(t.Context(), "spectrumdata", []providers.Request{request(nil)})
				if err != nil {
					t.Fatal(err)
				}
				describe(t, &got, outs)
			} else {
				ticket := providers.Ticket{ID: "A.0076.CAR.ACT-ALL_x@test_domain"}
				progress, err := set.Poll(t.Context(), "spectrumdata", ticket, []providers.Request{request(nil)})
				if err != nil {
					describe(t, &got, []providers.Outcome{{Err: err}})
				}
				describe(t, &got, progress.Outcomes)
				_, _ = fmt.Fprintf(&got, "cursor %x, notices %v\n", progress.Ticket.Cursor, progress.Notices)
			}
			wantGolden(t, name+".golden", got.String())
		})
	}
}

func describe(t *testing.T, w io.Writer, outs []providers.Outcome) {
	t.Helper()
	for _, o := range outs {
		_, _ = fmt.Fprintf(w, "%s: ", o.Ref)
		switch e, _ := errors.AsType[*providers.Error](o.Err); {
		case o.Record != nil:
			var raw bytes.Buffer
			if err := json.Compact(&raw, o.Record.Raw); err != nil || !json.Valid(o.Record.Result) {
				t.Errorf("%s: result or raw is not JSON", o.Ref)
			}
			_, _ = fmt.Fprintf(w, "record %s\n  raw, compacted: %s\n", o.Record.Result, &raw)
		case o.Ticket != nil:
			_, _ = fmt.Fprintf(w, "ticket %q, first poll after %v\n", o.Ticket.ID, o.PollAfter)
		default:
			_, _ = fmt.Fprintf(w, "%v\n  scope %s, until %v, message %q\n", e, e.Scope, e.Until, e.Message)
		}
	}
}
