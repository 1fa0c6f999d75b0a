package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/plateq/plateq/store"
)

// Told is a store whose tests let rules look behind it. Records passes every
// record of every table, by its columns. Numbers are int64 or int32 and what is
// sealed is []byte; of other values nothing is said.
type Told interface {
	Records(ctx context.Context, each func(table string, record map[string]any)) error
}

// unsealed is all that is sealed in the store, in clear and sorted, each value
// behind its column. Nobody is asked which columns those are, so that none is
// forgotten.
func (w *world) unsealed() []string {
	w.t.Helper()
	sealer, err := store.NewSealer(w.opts.Keys)
	w.must(err, "make sealer")
	var all []string
	w.each(func(table string, record map[string]any) {
		texts, err := Opened(sealer, w.opts.Keys, table, record)
		w.must(err, "open a record")
		all = append(all, texts...)
	})
	slices.Sort(all)
	return all
}

// records is how many records a table has.
func (w *world) records(table string) (n int) {
	w.t.Helper()
	w.each(func(of string, _ map[string]any) {
		if of == table {
			n++
		}
	})
	return n
}

// each passes every record of the store.
func (w *world) each(pass func(table string, record map[string]any)) {
	w.t.Helper()
	s, ok := w.s.(Told)
	if !ok {
		w.t.Fatalf("%T does not tell its records: see storetest.Told", w.s)
	}
	w.must(s.Records(w.ctx, pass), "read records")
}

// sealedLength is that of the shortest value that is sealed.
const sealedLength = 45

// Opened opens the sealed values of a record, each behind its column. A value
// opens with the number of its record only, which may be any of the numbers
// that this holds. An error: one is opened by none of them.
func Opened(s *store.Sealer, keys store.Keys, table string, record map[string]any) (all []string, err error) {
	for name, v := range record {
		sealed, _ := v.([]byte)
		if !isSealed(sealed, keys) {
			continue
		}
		text, opens := openAny(s, table+"."+name, record, sealed)
		if !opens {
			return all, fmt.Errorf("a sealed value in %s.%s opens with no number of its record", table, name)
		}
		all = append(all, table+"."+name+": "+text)
	}
	return all, nil
}

// isSealed reports whether a value names one of the keys where sealed ones do.
func isSealed(v []byte, keys store.Keys) bool {
	return len(v) >= sealedLength && v[0] <= 2 && slices.ContainsFunc(keys.Seal, func(k store.SealKey) bool {
		return bytes.Equal(v[1:5], k.ID[:])
	})
}

func openAny(s *store.Sealer, column string, record map[string]any, sealed []byte) (text string, opens bool) {
	for _, v := range record {
		var id int64
		switch n := v.(type) {
		case int64:
			id = n
		case int32:
			id = int64(n)
		default:
			continue
		}
		if text, err := s.Open(column, id, sealed); err == nil {
			return string(text), true
		}
	}
	return "", false
}
