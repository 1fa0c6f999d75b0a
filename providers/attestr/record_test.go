package attestr

import (
	"testing"

	"github.com/plateq/plateq/providers/internal/wirejson"
)

func BenchmarkPage(b *testing.B) {
	one := `{"_id":"r1","requestId":"q1","batchId":"b1","number":"N-1","status":"COMPLETED","input":{"reg":"KA01AB1234"},"output":{"valid":true,"status":"VALID_FOUND","contact":"9812345610"}}`
	body := []byte(`{"recordsFiltered":100,"data":[` + one)
	for range 99 {
		body = append(body, ","+one...)
	}
	body = append(body, "]}"...)
	b.SetBytes(int64(len(body)))
	var d reader
	for b.Loop() {
		o, err := wirejson.Parse(body)
		if err != nil {
			b.Fatal(err)
		}
		records, _ := wirejson.Elements(o.Get("data"))
		for _, raw := range records {
			if _, ok := d.read(raw); !ok {
				b.Fatal("not a record")
			}
		}
	}
}
