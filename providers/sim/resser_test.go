package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers/sim"
)

// vehicles invents n different vehicles.
func vehicles(n int) []sim.ResserVehicle {
	all := make([]sim.ResserVehicle, n)
	for i := range all {
		all[i] = sim.ResserVehicle{VIN: fmt.Sprintf("3N1AB7AP0KY%06d", i), Plate: fmt.Sprintf("ABC%04d", i)}
	}
	return all
}

// scraping asks about vehicles: a GET with a body.
func (u *upstream) scraping(t *testing.T, body any, key string) answer {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.url+"/resser/api/batch/scraping/", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(sim.ResserHeader, key)
	return u.send(req)
}

type resserSaid struct {
	VehicleData []struct {
		sim.ResserVehicle
		Info []sim.ResserEntry `json:"info"`
	} `json:"vehicleData"`
}

func TestResserAnswers(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	all := vehicles(300)
	var got resserSaid
	u.scraping(t, map[string]any{"vehicles": all}, u.token).into(t, &got)
	said := map[sim.ResserVehicle][]sim.ResserEntry{}
	for _, v := range got.VehicleData {
		said[v.ResserVehicle] = v.Info
	}
	kinds := map[string]int{}
	for _, v := range all {
		want := u.ResserAnswer(v)
		if !reflect.DeepEqual(said[v], want) {
			t.Errorf("%s: got %+v, want %+v", v.Plate, said[v], want)
		}
		with := 0
		for _, e := range want {
			if e.Status != "" {
				with++
			}
			if e.ID != fmt.Sprintf("%d-%s-%s", e.Resource, v.VIN, v.Plate) {
				t.Errorf("got id %s of %+v", e.ID, v)
			}
			kinds[e.Status]++
			if e.Plate == v.VIN {
				kinds["swapped"]++
			}
		}
		switch {
		case len(want) == 0:
			kinds["never processed"]++
		case with == 0:
			kinds["all with errors"]++
		case with < len(want):
			kinds["some with errors"]++
		}
	}
	for _, kind := range []string{"", "FINISHED", "PROCESSING", "swapped", "never processed", "all with errors", "some with errors"} {
		if kinds[kind] == 0 {
			t.Errorf("got %v, want some %q", kinds, kind)
		}
	}
	if len(u.Ledger()) != 0 {
		t.Errorf("got %d lines in the ledger, want none: reading is free", len(u.Ledger()))
	}
}

func TestResserWireFormat(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Options{Answers: sim.Answers{Found: 1}})
	a := u.scraping(t, map[string]any{"vehicles": vehicles(1)}, u.token)
	text := string(a.body)
	for _, want := range []string{`{"vehicleData":[{"vin":"3N1AB7AP0KY000000","plate":"ABC0000","info":[{"_id":"`, `"resourceId":`, `"status":"FINISHED"`,
		`"result":[`, `"creationDateTime":"2026-`, `"finishedDateTime":"2026-`, `"password":"` + sim.ResserPassword} {
		if !strings.Contains(text, want) {
			t.Errorf("got %s, want %s in it", text, want)
		}
	}
}

func TestResserRefusals(t *testing.T) {
	t.Parallel()
	good := vehicles(1)[0]
	for name, tc := range map[string]struct {
		account sim.Account
		body    any
		key     string
		status  int
		code    string
	}{
		"no key":           {body: map[string]any{"vehicles": vehicles(1)}, status: 401, code: "Unauthorize"},
		"account closed":   {account: sim.Account{Disabled: true}, body: map[string]any{"vehicles": vehicles(1)}, key: sim.DefaultToken, status: 401, code: "Unauthorize"},
		"no vehicle":       {body: map[string]any{"vehicles": vehicles(0)}, key: sim.DefaultToken, status: 400, code: "BadRequest"},
		"misspelled":       {body: map[string]any{"vehicle": vehicles(1)}, key: sim.DefaultToken, status: 400, code: "BadRequest"},
		"not a list":       {body: map[string]any{"vehicles": 1}, key: sim.DefaultToken, status: 400, code: "BadRequest"},
		"501 vehicles":     {body: map[string]any{"vehicles": vehicles(501)}, key: sim.DefaultToken, status: 400, code: "BadRequest"},
		"no VIN":           {body: map[string]any{"vehicles": []sim.ResserVehicle{good, {Plate: "ABC1"}}}, key: sim.DefaultToken, status: 400, code: "BadParameters"},
		"hyphen":           {body: map[string]any{"vehicles": []sim.ResserVehicle{{VIN: good.VIN, Plate: "ABC-1"}}}, key: sim.DefaultToken, status: 400, code: "BadParameters"},
		"lower case":       {body: map[string]any{"vehicles": []sim.ResserVehicle{{VIN: good.VIN, Plate: "abc1"}}}, key: sim.DefaultToken, status: 400, code: "BadParameters"},
		"one sign":         {body: map[string]any{"vehicles": []sim.ResserVehicle{{VIN: "11111111111111111", Plate: "ABC1"}}}, key: sim.DefaultToken, status: 400, code: "BadParameters"},
		"long":             {body: map[string]any{"vehicles": []sim.ResserVehicle{{VIN: good.VIN + "0", Plate: "ABC1"}}}, key: sim.DefaultToken, status: 400, code: "BadParameters"},
		"too many of them": {account: sim.Account{Limits: sim.Limits{Rate: 1e-9}}, body: map[string]any{"vehicles": vehicles(1)}, key: sim.DefaultToken, status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.account.Provider, tc.account.Name, tc.account.Token, tc.account.Credit = "resser", "one", sim.DefaultToken, sim.Unlimited
			u := start(t, sim.Options{Now: newClock().now, Accounts: []sim.Account{tc.account}})
			if tc.status == 429 {
				u.scraping(t, tc.body, tc.key)
			}
			if a := u.scraping(t, tc.body, tc.key); a.status != tc.status || !strings.Contains(string(a.body), tc.code) {
				t.Errorf("got %d %s, want %d %s", a.status, a.body, tc.status, tc.code)
			}
		})
	}
}

func TestResserBodyTakenAway(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.url+"/resser/api/batch/scraping/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(sim.ResserHeader, u.token)
	if a := u.send(req); a.status != 400 || !strings.Contains(string(a.body), "BadRequest") {
		t.Errorf("got %d %s, want a BadRequest", a.status, a.body)
	}
}

// TestResserRefusesVehiclesByFault: a call with one of them in it is refused whole.
func TestResserRefusesVehiclesByFault(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Options{Faults: []sim.Fault{{Kind: sim.KindRefuse, Where: "scraping", Code: "BadParameters", Prefix: "BAD"}}})
	bad := append(vehicles(3), sim.ResserVehicle{VIN: "3N1AB7AP0KY999999", Plate: "BAD1"})
	if a := u.scraping(t, map[string]any{"vehicles": bad}, u.token); a.status != 400 {
		t.Errorf("got %d, want 400", a.status)
	}
	if a := u.scraping(t, map[string]any{"vehicles": bad[:3]}, u.token); a.status != 200 {
		t.Errorf("got %d, want 200", a.status)
	}
	for _, code := range []string{"BadRequest", "Unauthorize", "ServerError"} {
		if err := u.SetFault(sim.Fault{Name: "one", Kind: sim.KindRefuse, Where: "scraping", Code: code}); err != nil {
			t.Fatal(err)
		}
		if a := u.scraping(t, map[string]any{"vehicles": bad[:1]}, u.token); !slices.Contains([]int{400, 401, 500}, a.status) || !strings.Contains(string(a.body), code) {
			t.Errorf("got %d %s, want %s", a.status, a.body, code)
		}
	}
}
