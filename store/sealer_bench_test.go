package store_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// BenchmarkSealer measures what is personal about one row: its line, question
// and answer sealed and opened, and the keyed hash of its question. The row is
// one of three columns with a short answer, 229 bytes in all, of a list whose key
// is at hand, as it is after the first value.
func BenchmarkSealer(b *testing.B) {
	s, err := store.NewSealer(store.NewKeys())
	if err != nil {
		b.Fatal(err)
	}
	plate := providers.Subject{providers.Plate: "DL01AA1000"}
	q := store.Question{Subject: plate}
	row := store.NewRow{CallerID: "row-1", Subject: plate, Line: []string{"row-1", "DL 01 AA 1000", "north"}, Question: q}
	line, err := store.EncodeLine(row)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := store.EncodeAnswer(store.Answer{
		At:     time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
		Result: []byte(`{"valid":true,"contact":"9400000042"}`),
		Raw:    []byte(`{"_id":"5f0c6dd3a6d4c20006c1b7a1","regNumber":"DL01AA1000","valid":true,"contact":"9400000042","status":"COMPLETED"}`),
	})
	if err != nil {
		b.Fatal(err)
	}
	const id = 7<<32 + 1 // of a list
	columns := []struct {
		name string
		text []byte
	}{{"rows.line", line}, {"asks.question", store.EncodeQuestion(q)}, {"answers.body", answer}}
	sealed, size := make([][]byte, len(columns)), 0
	for i, c := range columns {
		sealed[i] = s.Seal(c.name, id, c.text)
		size += len(c.text)
	}
	b.Run("seal", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, c := range columns {
				s.Seal(c.name, id, c.text)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for i, c := range columns {
				if _, err := s.Open(c.name, id, sealed[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Key(store.DefaultTenant, "attestr", q)
		}
	})
}
