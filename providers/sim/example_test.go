package sim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/plateq/plateq/providers/sim"
)

// A stand-in that charges the first submit and hangs up: the client is told nothing, the ledger knows.
func Example() {
	opts := sim.Hostile()
	opts.Faults = append(opts.Faults, sim.Fault{Kind: sim.KindChargeThenClose, Where: "submit", First: 1})
	srv, err := sim.New(opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	ts := httptest.NewServer(srv.Handler())
	defer ts.Close()

	req, err := http.NewRequest(http.MethodPost, ts.URL+"/attestr/api/v2/public/batchx",
		strings.NewReader(`{"type":"RC_MOBILE","items":[{"reg":"KA01AB1234"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Basic "+sim.DefaultToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := ts.Client().Do(req)
	if err == nil {
		resp.Body.Close()
	}
	fmt.Println("answered:", err == nil)
	fmt.Println("charged:", srv.Charges()["KA01AB1234"])
	// Output:
	// answered: false
	// charged: 1
}
