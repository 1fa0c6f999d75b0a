package diff

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// key stands for what a row is about: 128 bits, so that no two of ten million
// are taken for one.
type key [2]uint64

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k[0], other[0]), cmp.Compare(k[1], other[1]))
}

// keys makes keys that mean something within one comparison only.
type keys struct{ seeds [2]maphash.Seed }

func newKeys() keys { return keys{[2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}} }

// of returns the key of what was asked or, where nobody could be, of the
// subject as it was given.
func (k keys) of(row store.Row) (out key) {
	subject := row.Question.Subject
	if len(subject) == 0 {
		subject = row.Subject
	}
	for i, seed := range k.seeds {
		var h maphash.Hash
		h.SetSeed(seed)
		writeSubject(&h, subject)
		writeParams(&h, row.Question.Params)
		out[i] = h.Sum64()
	}
	return out
}

func writeSubject(h *maphash.Hash, s providers.Subject) {
	for _, c := range slices.Sorted(maps.Keys(s)) {
		writeText(h, string(c))
		writeText(h, s[c])
	}
	writeText(h, "")
}

func writeParams(h *maphash.Hash, p providers.Params) {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		writeText(h, name)
		writeText(h, p[name])
	}
}

// writeText writes a text so that no two sequences of texts are alike.
func writeText(h *maphash.Hash, s string) {
	maphash.WriteComparable(h, len(s))
	_, _ = h.WriteString(s) // never fails
}

// digest tells answers apart. Equal ones may be written differently, which a
// closer look finds out; all rows without an answer are alike.
func (k keys) digest(row store.Row) uint64 {
	if !answered(row) {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(k.seeds[0])
	writeText(&h, row.State.String())
	if row.Answer != nil {
		_, _ = h.Write(row.Answer.Result) // never fails
	}
	return h.Sum64() | 1
}

// answered reports whether the provider has said what it knows.
func answered(row store.Row) bool { return row.State == store.Found || row.State == store.NotFound }
