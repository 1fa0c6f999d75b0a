package store_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// fixedKeys are the same in every process, as a fuzzer's seeds must be.
func fixedKeys() store.Keys {
	return store.Keys{
		Seal:    []store.SealKey{{ID: [4]byte{1, 2, 3, 4}, Key: bytes.Repeat([]byte{5}, 32)}},
		Index:   bytes.Repeat([]byte{6}, 32),
		Enqueue: bytes.Repeat([]byte{7}, 32),
	}
}

func TestSealedValuesOpenAgain(t *testing.T) {
	t.Parallel()
	s := newSealer(t, store.NewKeys())
	for _, text := range [][]byte{nil, {0}, []byte("DL01AA1000"), bytes.Repeat([]byte{0xff}, 1<<16)} {
		sealed := s.Seal("subject", -7, text)
		got, err := s.Open("subject", -7, sealed)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes came back as %d: %v", len(text), len(got), err)
		}
		if len(text) > 4 && bytes.Contains(sealed, text) {
			t.Error("the sealed value holds the text")
		}
	}
	if bytes.Equal(s.Seal("subject", 1, []byte("x")), s.Seal("subject", 1, []byte("x"))) {
		t.Error("equal texts are sealed alike: who reads the file can find them")
	}
}

func TestSealedValuesOpenNowhereElse(t *testing.T) {
	t.Parallel()
	k := fixedKeys()
	s := newSealer(t, k)
	sealed := s.Seal("answer", 1<<32+1, []byte("DL01AA1000"))
	stranger := fixedKeys()
	stranger.Seal[0].Key = bytes.Repeat([]byte{9}, 32)
	for _, c := range []struct {
		name   string
		s      *store.Sealer
		column string
		id     int64
		want   string
	}{
		{"another column", s, "raw", 1<<32 + 1, "open raw: it was changed, or belongs to another record"},
		{"a column that begins alike", s, "answer\x00", 1<<32 + 1, "it was changed, or belongs to another record"},
		{"another record", s, "answer", 1<<32 + 2, "it was changed, or belongs to another record"},
		{"another key of that name", newSealer(t, stranger), "answer", 1<<32 + 1, "it was changed, or belongs to another record"},
		{"a key that is not given", newSealer(t, store.NewKeys()), "answer", 1<<32 + 1, "it was sealed with key 01020304, which is not given"},
	} {
		if text, err := c.s.Open(c.column, c.id, sealed); err == nil || !strings.Contains(err.Error(), c.want) || text != nil {
			t.Errorf("%s: got %q and error %v, want %q", c.name, text, err, c.want)
		}
	}
}

func TestChangedSealedValuesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSealer(t, fixedKeys())
	sealed := s.Seal("answer", 1, []byte("DL01AA1000"))
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := s.Open("answer", 1, changed); err == nil {
			t.Errorf("byte %d of %d was changed and the value opened", i, len(sealed))
		}
		if _, err := s.Open("answer", 1, sealed[:i]); err == nil {
			t.Errorf("%d bytes of %d opened", i, len(sealed))
		}
	}
	if _, err := s.Open("answer", 1, append(bytes.Clone(sealed), 0)); err == nil {
		t.Error("a value with a byte more opened")
	}
}

func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	before := store.NewKeys()
	old := newSealer(t, before)
	sealed := old.Seal("answer", 1, []byte("x"))
	after := before
	after.Seal = append(store.NewKeys().Seal, before.Seal...)
	both := newSealer(t, after)
	if text, err := both.Open("answer", 1, sealed); err != nil || string(text) != "x" {
		t.Errorf("an old value came back as %q: %v", text, err)
	}
	if _, err := old.Open("answer", 1, both.Seal("answer", 1, []byte("x"))); err == nil {
		t.Error("new values are sealed with the old key")
	}
}

func TestSealerNeedsKeys(t *testing.T) {
	t.Parallel()
	good := fixedKeys()
	for _, k := range []store.Keys{
		{},
		{Seal: good.Seal},
		{Index: good.Index},
		{Seal: good.Seal, Index: good.Index[1:]},
		{Seal: []store.SealKey{{Key: good.Index[1:]}}, Index: good.Index},
	} {
		if _, err := store.NewSealer(k); err == nil {
			t.Errorf("a sealer was made of %d sealing keys and an index key of %d bytes", len(k.Seal), len(k.Index))
		}
	}
}

func question(pairs ...string) store.Question {
	q := store.Question{Subject: providers.Subject{}, Params: providers.Params{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := strings.CutPrefix(pairs[i], "p:"); ok {
			q.Params[name] = pairs[i+1]
		} else {
			q.Subject[providers.Column(pairs[i])] = pairs[i+1]
		}
	}
	return q
}

func TestEqualQuestionsHaveOneKey(t *testing.T) {
	t.Parallel()
	s := newSealer(t, fixedKeys())
	pairs := make([][2]string, 12)
	for i, c := range providers.Columns() {
		pairs[i] = [2]string{string(c), fmt.Sprint("value ", i)}
	}
	var first store.AskKey
	for round := range 20 {
		rand.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		q := store.Question{Subject: providers.Subject{}, Params: providers.Params{}}
		for i, p := range pairs {
			q.Subject[providers.Column(p[0])] = p[1]
			q.Params[pairs[len(pairs)-1-i][0]] = pairs[len(pairs)-1-i][1]
		}
		key := s.Key("default", "attestr", q)
		if round == 0 {
			first = key
		}
		if key != first {
			t.Fatal("the order in which a question is written changes its key")
		}
	}
	empty := store.Question{Subject: providers.Subject{providers.Plate: "P1"}}
	if s.Key("a", "b", empty) != s.Key("a", "b", question("plate", "P1")) {
		t.Error("no parameters and empty ones have two keys")
	}
}

func TestOtherQuestionsHaveOtherKeys(t *testing.T) {
	t.Parallel()
	s := newSealer(t, fixedKeys())
	type asked struct {
		tenant, provider string
		q                store.Question
	}
	list := []asked{
		{"default", "attestr", question("plate", "P1")},
		{"acme", "attestr", question("plate", "P1")},
		{"default", "regnum", question("plate", "P1")},
		{"default", "attestr", question("plate", "P2")},
		{"default", "attestr", question("vin", "P1")},
		{"default", "attestr", question("plate", "P1", "vin", "V1")},
		{"default", "attestr", question("plate", "P1", "p:operator", "311")},
		{"default", "attestr", question("plate", "P1", "p:operator", "312")},
		{"default", "attestr", question("plate", "P1", "p:vin", "V1")},
		{"default", "attestr", question()},
		// The same letters, cut elsewhere.
		{"ab", "c", question("x", "y")},
		{"a", "bc", question("x", "y")},
		{"a", "b", question("cx", "y")},
		{"a", "b", question("c", "xy")},
		{"a", "b", question("c", "x", "p:y", "")},
		{"a", "b", question("c", "x", "y", "")},
		{"a", "b", question("p:c", "x", "p:y", "")},
	}
	seen := map[store.AskKey]int{}
	for i, a := range list {
		key := s.Key(a.tenant, a.provider, a.q)
		if first, ok := seen[key]; ok {
			t.Errorf("questions %+v and %+v have one key", list[first], a)
		}
		seen[key] = i
	}
}

func TestKeysNeedTheIndexKey(t *testing.T) {
	t.Parallel()
	q := question("plate", "DL01AA1000")
	mine, other := fixedKeys(), fixedKeys()
	other.Index = bytes.Repeat([]byte{8}, 32)
	key := newSealer(t, mine).Key("default", "attestr", q)
	if key == newSealer(t, other).Key("default", "attestr", q) {
		t.Error("the key of a question does not depend on the index key")
	}
	for _, text := range []string{"DL01AA1000", "default\x00attestr\x00DL01AA1000", "askdefaultattestrplateDL01AA1000"} {
		plain := sha256.Sum256([]byte(text))
		keyless := hmac.New(sha256.New, nil)
		keyless.Write([]byte(text))
		if bytes.HasPrefix(plain[:], key[:]) || bytes.HasPrefix(keyless.Sum(nil), key[:]) {
			t.Errorf("the key can be computed from %q alone", text)
		}
	}
	if mine.Seal = store.NewKeys().Seal; newSealer(t, mine).Key("default", "attestr", q) != key {
		t.Error("rotating the sealing key changes the keys of questions")
	}
}

func TestHashTellsKindsAndPartsApart(t *testing.T) {
	t.Parallel()
	s := newSealer(t, fixedKeys())
	seen := map[string]bool{}
	for _, h := range [][]byte{
		s.Hash("ticket", "attestr", "T-1"), s.Hash("ticket", "attestrT", "-1"), s.Hash("ticket", "attestrT-1"),
		s.Hash("identity", "attestr", "T-1"), s.Hash("ticket"), s.Hash("", "ticket"), s.Hash("ticket", ""),
	} {
		if len(h) != store.KeySize || seen[string(h)] {
			t.Errorf("hash %x is of %d bytes or there twice", h, len(h))
		}
		seen[string(h)] = true
	}
	if !bytes.Equal(s.Hash("ticket", "a"), s.Hash("ticket", "a")) {
		t.Error("equal parts have two hashes")
	}
}

func TestSealerIsSharedByMany(t *testing.T) {
	t.Parallel()
	s := newSealer(t, fixedKeys())
	want := s.Key("default", "attestr", question("plate", "P1"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				if s.Key("default", "attestr", question("plate", "P1")) != want {
					t.Error("a key differs when many ask at once")
				}
				s.Key("default", "attestr", question("plate", fmt.Sprint(i)))
				if _, err := s.Open("c", 1, s.Seal("c", 1, []byte("x"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzOpen feeds foreign bytes: only what was sealed for that place opens.
func FuzzOpen(f *testing.F) {
	s := newSealer(f, fixedKeys())
	good := s.Seal("answer", 1, []byte("DL01AA1000"))
	f.Add(good, 0, byte(0))
	f.Add(good, 0, byte(3))
	f.Add(good, 4, byte(1))
	f.Add(good, len(good)-1, byte(0x80))
	f.Add(good[:30], 0, byte(0))
	f.Add([]byte{}, 0, byte(0))
	f.Fuzz(func(t *testing.T, sealed []byte, at int, x byte) {
		sealed = bytes.Clone(sealed)
		if at >= 0 && at < len(sealed) {
			sealed[at] ^= x
		}
		text, err := s.Open("answer", 1, sealed)
		if err != nil && text != nil {
			t.Errorf("error %v came with text", err)
		}
		if err == nil && string(text) != "DL01AA1000" {
			t.Errorf("foreign bytes opened as %q", text)
		}
		if _, err := s.Open("answer", 2, sealed); err == nil {
			t.Error("the value opened in another record")
		}
	})
}
