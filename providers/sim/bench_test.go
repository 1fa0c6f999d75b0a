package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/plateq/plateq/providers/sim"
)

// BenchmarkFast submits batches of 500 and reads them back in pages of 100, through the handler; the figure beside
// ns/op is plates a second, and the state that is left a plate.
func BenchmarkFast(b *testing.B) {
	srv, err := sim.New(sim.Fast())
	if err != nil {
		b.Fatal(err)
	}
	h := srv.Handler()
	post := func(path string, body []byte) []byte {
		req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Basic "+sim.DefaultToken)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			b.Fatalf("%s: got %d %s", path, w.Code, w.Body)
		}
		return w.Body.Bytes()
	}
	all := plates(100_000)
	before := heap()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		at := n % 200 * 500
		var v struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(post(batchx, submitBody(all[at:at+500]...)), &v); err != nil {
			b.Fatal(err)
		}
		for skip := 0; skip < 500; skip += 100 {
			post(batchx+"/"+v.ID+"/items", fmt.Appendf(nil, `{"$skip":%d,"$limit":100}`, skip))
		}
	}
	kept := srv.Stats().Records
	b.ReportMetric(float64(kept)/b.Elapsed().Seconds(), "plates/s")
	b.ReportMetric(float64(heap()-before)/float64(kept), "B/plate")
	runtime.KeepAlive(srv)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
