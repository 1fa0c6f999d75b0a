package app_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// spectrumDesk returns a desk that asks u about owners, and polls fast.
func spectrumDesk(t *testing.T, u upstream, env ...string) *desk {
	t.Helper()
	return newDesk(t, u, append([]string{
		"PLATEQ_SPECTRUMDATA_BASE_URL=" + strings.TrimSuffix(u.url, "/attestr") + "/spectrumdata/b2b/api/v1",
		"PLATEQ_SPECTRUMDATA_USER=" + sim.DefaultLogin, "PLATEQ_SPECTRUMDATA_PASSWORD=" + sim.DefaultToken,
		"PLATEQ_SPECTRUMDATA_REPORT_TYPE_GRZ=" + sim.SpectrumGRZ, "PLATEQ_SPECTRUMDATA_REPORT_TYPE_VIN=" + sim.SpectrumVIN,
		"PLATEQ_SPECTRUMDATA_RATE=none", "PLATEQ_SPECTRUMDATA_CONCURRENCY=16",
		"PLATEQ_SPECTRUMDATA_POLL_MIN=50ms", "PLATEQ_SPECTRUMDATA_POLL_MAX=500ms",
	}, env...)...)
}

func askSpectrum(ro app.RunOptions) app.RunOptions {
	ro.Provider = "spectrumdata"
	return ro
}

// owned writes a list of n questions, in turn by plate, VIN and body number,
// and returns what the stand-in is sent of each.
func (d *desk) owned(name string, n int) (path string, sent []map[string]string) {
	d.t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"id", "grz", "vin", "body", "passport", "inn", "depot"}) // into memory
	for i := range n {
		grz, vin, body, passport, inn := "", "", "", fmt.Sprintf("45%08d", i), ""
		data := map[string]string{"passport": passport}
		if i%2 == 0 {
			passport, inn = "", passport
			data = map[string]string{"inn": inn}
		}
		switch i % 3 {
		case 0:
			grz = fmt.Sprintf("A%03dBC%03d", i%1000, i/1000)
			data["grz"] = fmt.Sprintf("А%03dВС%03d", i%1000, i/1000)
		case 1:
			vin = fmt.Sprintf("EXAMPL0V1N1%06d", i)
			data["vin"] = vin
		default:
			body = fmt.Sprintf("GX100-%06d", i)
			data["body"] = body
		}
		_ = w.Write([]string{strconv.Itoa(i + 1), grz, vin, body, passport, inn, "north"})
		sent = append(sent, data)
	}
	w.Flush()
	if err := os.WriteFile(d.path(name), b.Bytes(), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.path(name), sent
}

// wantOwners demands one row out for each in, in order, that says what the
// stand-in knows of it.
func (d *desk) wantOwners(u upstream, rows []map[string]string, sent []map[string]string) map[string]int {
	d.t.Helper()
	by := d.inOrder(rows, make([]string, len(sent)))
	for i, r := range rows {
		want := u.OwnerAnswer(sent[i], 1)
		status, code := "failed", "source_"+want.Source
		switch {
		case want.Owned != "":
			status, code = "found", ""
		case want.Source == "OK":
			status, code = "not_found", ""
		}
		if r["status"] != status || r["result.ownedStatus"] != want.Owned || r["error.code"] != code {
			d.t.Fatalf("row %s is %s with %q (%s), want %s with %q (%s)",
				r["row"], r["status"], r["result.ownedStatus"], r["error.code"], status, want.Owned, code)
		}
	}
	return by
}

// madeTwice counts reports that were paid for more than once.
func (u upstream) madeTwice() int {
	n := 0
	for _, c := range u.Ledger() {
		if !strings.HasSuffix(c.Call, "-1") {
			n++
		}
	}
	return n
}

// TestSpectrumDataAnswersEveryRowRight: answers get lost on the way, and every
// row ends with the truth, its report made once.
func TestSpectrumDataAnswersEveryRowRight(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Seed: 5, Completion: sim.Completion{Max: 300 * time.Millisecond}, Faults: []sim.Fault{
		{Name: "500", Kind: "500", Where: "spectrumdata", Rate: 0.01, Charge: true},
		{Name: "cut", Kind: sim.KindChargeThenCut, Where: "spectrumdata", Rate: 0.01},
		{Name: "hang", Kind: sim.KindChargeThenHang, Where: "spectrumdata", First: 4, For: time.Minute},
		{Name: "system", Kind: sim.KindRefuse, Code: "GenericSystemError", Where: "spectrumdata", Every: 100},
	}})
	d := spectrumDesk(t, u, "PLATEQ_SPECTRUMDATA_TIMEOUT=2s")
	in, sent := d.owned("in.csv", 600)
	_, code := d.run(t.Context(), askSpectrum(d.runOptions(in, "out.csv")))
	if code != app.ExitPartial {
		t.Errorf("exit %d, want %d: some sources failed", code, app.ExitPartial)
	}
	by := d.wantOwners(u, d.out("out.csv"), sent)
	if by["found"] == 0 || by["not_found"] == 0 || by["failed"] == 0 {
		t.Errorf("got %v, want some of each", by)
	}
	if n := len(u.Ledger()); n != len(sent) || u.madeTwice() != 0 {
		t.Errorf("%d reports made, %d of them again, want each of %d once", n, u.madeTwice(), len(sent))
	}
	d.check()
}

// TestSpectrumDataAsksAnewForWhatItKnows: --fresh brings the report that there
// is, for nothing; only force has it made again.
func TestSpectrumDataAsksAnewForWhatItKnows(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Answers: sim.Answers{Found: 1}})
	d := spectrumDesk(t, u)
	in, sent := d.owned("in.csv", 30)
	for i, tc := range []struct {
		fresh bool
		set   map[string]string
		made  int // reports in all, afterwards
	}{
		{made: 30},
		{made: 30}, // known: nobody is asked
		{fresh: true, made: 30},
		{set: map[string]string{"force": "true"}, made: 60},
		{set: map[string]string{"force": "true"}, fresh: true, made: 90},
	} {
		out := fmt.Sprintf("out%d.csv", i)
		ro := askSpectrum(d.runOptions(in, out))
		ro.Fresh, ro.Intake.Set = tc.fresh, tc.set
		if _, code := d.run(t.Context(), ro); code != 0 {
			t.Errorf("run %d: exit %d, want %d", i, code, 0)
		}
		if by := d.inOrder(d.out(out), make([]string, len(sent))); by["found"] != len(sent) {
			t.Errorf("run %d: got %v, want all found", i, by)
		}
		if n := len(u.Ledger()); n != tc.made {
			t.Errorf("run %d: got %d reports made, want %d", i, n, tc.made)
		}
	}
	d.check()
}

// TestSpectrumDataForcedIsNotRepeated: what may have been made anew and
// brought no answer is unknown, as making it again could cost again.
func TestSpectrumDataForcedIsNotRepeated(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Answers: sim.Answers{Found: 1}, Faults: []sim.Fault{
		{Kind: sim.KindChargeThenClose, Where: "make", First: 3},
	}})
	d := spectrumDesk(t, u)
	in, sent := d.owned("in.csv", 40)
	ro := askSpectrum(d.runOptions(in, "out.csv"))
	ro.Intake.Set = map[string]string{"force": "true"}
	if _, code := d.run(t.Context(), ro); code != app.ExitPartial {
		t.Errorf("exit %d, want %d", code, app.ExitPartial)
	}
	by := d.inOrder(d.out("out.csv"), make([]string, len(sent)))
	if by["unknown"] != 3 || by["found"] != 37 || len(u.Ledger()) != 40 || u.madeTwice() != 0 {
		t.Errorf("got %v and %d reports made, want 3 unknown, 37 found and each made once", by, len(u.Ledger()))
	}
	d.check()
}
