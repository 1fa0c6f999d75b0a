package wirejson

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkObject reads an answer of the usual size, with an object in it, and
// one of many members.
func BenchmarkObject(b *testing.B) {
	usual := `{"response_code":1,"status":true,"amount":"500.0","name":"ASHA DEVI RAO","duedate":"2026-01-31","bill_fetch":` +
		`{"billAmount":"500.0","billnetamount":"500.0","dueDate":"2026-01-31","maxBillAmount":"1000","acceptPayment":true,` +
		`"acceptPartPay":true,"cellNumber":"DL12CB4685","userName":"ASHA DEVI RAO"},"message":"Bill Fetched Success."}`
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, `,"field%d":"%d"`, i, i)
	}
	for name, body := range map[string]string{"usual": usual, "many": `{"bill_fetch":{}` + many.String() + `}`} {
		b.Run(name, func(b *testing.B) {
			body := []byte(body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				o, err := Parse(body)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Members(o.Get("bill_fetch")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
