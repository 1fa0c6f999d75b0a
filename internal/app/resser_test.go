package app_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// resserDesk returns a desk that asks u about vehicles, 500 a call.
func resserDesk(t *testing.T, u upstream, env ...string) *desk {
	t.Helper()
	return newDesk(t, u, append([]string{
		"PLATEQ_RESSER_BASE_URL=" + strings.TrimSuffix(u.url, "/attestr") + "/resser",
		"PLATEQ_RESSER_AUTH_HEADER=" + sim.ResserHeader, "PLATEQ_RESSER_AUTH_VALUE=" + sim.DefaultToken, "PLATEQ_RESSER_RATE=none",
	}, env...)...)
}

func askResser(ro app.RunOptions) app.RunOptions {
	ro.Provider = "resser"
	return ro
}

// garage writes a list of n vehicles. The plates of those at bad begin with
// BAD; where a fault says so, they make Resser refuse the call.
func (d *desk) garage(name string, n int, bad ...int) (path string, all []sim.ResserVehicle) {
	d.t.Helper()
	var b bytes.Buffer
	b.WriteString("id,vin,plate,depot\n")
	for i := range n {
		v := sim.ResserVehicle{VIN: fmt.Sprintf("EXAMPL0V1N1%06d", i), Plate: fmt.Sprintf("QQQ%04d", i)}
		if slices.Contains(bad, i) {
			v.Plate = fmt.Sprintf("BAD%04d", i)
		}
		fmt.Fprintf(&b, "%d,%s,%s,north\n", i+1, strings.ToLower(v.VIN), v.Plate[:3]+"-"+v.Plate[3:])
		all = append(all, v)
	}
	if err := os.WriteFile(d.path(name), b.Bytes(), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.path(name), all
}

// wantProcessed demands one row out for each vehicle, in order, that says what
// the stand-in knows of it; the bad ones failed, each by itself.
func (d *desk) wantProcessed(u upstream, rows []map[string]string, all []sim.ResserVehicle) map[string]int {
	d.t.Helper()
	by := d.inOrder(rows, make([]string, len(all)))
	for i, r := range rows {
		status, code := "not_found", ""
		var resources []string
		for _, e := range u.ResserAnswer(all[i]) {
			resources = append(resources, strconv.Itoa(e.Resource))
			if status == "not_found" {
				status, code = "failed", "no_status"
			}
			if e.Status != "" {
				status, code = "found", ""
			}
		}
		if strings.HasPrefix(all[i].Plate, "BAD") {
			status, code = "failed", "BadParameters"
		}
		if status != "found" {
			resources = nil
		}
		if r["status"] != status || r["error.code"] != code || r["result.info.resourceId"] != strings.Join(resources, " | ") {
			d.t.Fatalf("row %s is %s (%s) with %q, want %s (%s) with %q",
				r["row"], r["status"], r["error.code"], r["result.info.resourceId"], status, code, resources)
		}
	}
	return by
}

// TestResserFindsTheVehicleToBlame: one that Resser does not bear is found by
// halving, fails alone, and costs no more requests than it must.
func TestResserFindsTheVehicleToBlame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		n   int
		bad []int
	}{
		{500, []int{0}}, {500, []int{251}}, {500, []int{499}}, {37, []int{20}}, {5, []int{4}}, {2, []int{1}}, {1, []int{0}},
		{500, []int{3, 4, 250, 499}}, {200, []int{7, 77, 78, 79, 150}},
	} {
		t.Run(fmt.Sprint(tc.n, tc.bad), func(t *testing.T) {
			t.Parallel()
			u := standIn(t, sim.Options{Seed: 5, Faults: []sim.Fault{
				{Kind: sim.KindRefuse, Code: "BadParameters", Where: "scraping", Prefix: "BAD"},
			}})
			d := resserDesk(t, u)
			in, all := d.garage("in.csv", tc.n, tc.bad...)
			if _, code := d.run(t.Context(), askResser(d.runOptions(in, "out.csv"))); code != app.ExitPartial {
				t.Errorf("exit %d, want %d: some rows failed", code, app.ExitPartial)
			}
			d.wantProcessed(u, d.out("out.csv"), all)
			bound := float64(len(tc.bad)) * (2*math.Log2(float64(tc.n)) + 2)
			if got := u.Stats().Requests["scraping"]; float64(got) > bound {
				t.Errorf("got %d requests, want at most %.1f", got, bound)
			}
			d.check()
		})
	}
}

// TestResserAnswersEveryRowRight: answers get lost on the way, and every row
// ends with the truth.
func TestResserAnswersEveryRowRight(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Seed: 5, Faults: []sim.Fault{
		{Name: "500", Kind: "500", Where: "scraping", Every: 29},
		{Name: "server", Kind: sim.KindRefuse, Code: "ServerError", Where: "scraping", Every: 31},
		{Name: "cut", Kind: sim.KindCut, Where: "scraping", Every: 37},
		{Name: "hang", Kind: sim.KindHang, Where: "scraping", First: 1, For: time.Minute},
		{Name: "bad", Kind: sim.KindRefuse, Code: "BadParameters", Where: "scraping", Prefix: "BAD"},
	}})
	d := resserDesk(t, u, "PLATEQ_RESSER_TIMEOUT=2s", "PLATEQ_RESSER_BATCH_SIZE=8")
	in, all := d.garage("in.csv", 800, 5, 500)
	if _, code := d.run(t.Context(), askResser(d.runOptions(in, "out.csv"))); code != app.ExitPartial {
		t.Errorf("exit %d, want %d: some rows failed", code, app.ExitPartial)
	}
	by := d.wantProcessed(u, d.out("out.csv"), all)
	if by["found"] == 0 || by["not_found"] == 0 || by["unknown"] != 0 {
		t.Errorf("got %v, want no row unknown", by)
	}
	d.check()
}

// TestResserWithoutTheBodyStops: something on the way takes the body of each
// GET away. No row fails by it; once it is gone the same command goes on.
func TestResserWithoutTheBodyStops(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Faults: []sim.Fault{{Name: "taken", Kind: sim.KindRefuse, Code: "BadRequest", Where: "scraping"}}})
	d := resserDesk(t, u, "PLATEQ_RESSER_BATCH_SIZE=10")
	in, all := d.garage("in.csv", 100)
	ro := askResser(d.runOptions(in, "out.csv"))
	sum, code := d.run(t.Context(), ro)
	if code != app.ExitProvider || sum.Counts.Open() != 100 {
		t.Errorf("exit %d with %d rows open, want %d with all", code, sum.Counts.Open(), app.ExitProvider)
	}
	if got := u.Stats().Requests["scraping"]; got > 2 {
		t.Errorf("got %d requests, want no more than are in flight at once", got)
	}
	if log := d.log.String(); !strings.Contains(log, "BadRequest") {
		t.Errorf("got log %s, want the code in it", log)
	}
	u.ClearFaults()
	d.run(t.Context(), ro)
	d.wantProcessed(u, d.out("out.csv"), all)
	d.check()
}

// TestResserKeepsNoPortalPassword: it rides along with the answers and is in
// none of our files.
func TestResserKeepsNoPortalPassword(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{})
	d := resserDesk(t, u)
	in, _ := d.garage("in.csv", 50)
	ro := askResser(d.runOptions(in, "out.csv"))
	ro.Raw, ro.Export.Raw = true, true
	d.run(t.Context(), ro)
	text, err := os.ReadFile(d.path("out.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("resourceId")) || !bytes.Contains(text, []byte("not_processed")) {
		t.Errorf("got no raw answers in %.300s", text)
	}
	if bytes.Contains(text, []byte(sim.ResserPassword)) || bytes.Contains(text, []byte("fleet@example")) {
		t.Error("got a portal's credentials in the results")
	}
}
