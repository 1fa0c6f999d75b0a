package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/plateq/plateq/providers"
)

// The first byte of every sealed value says by what it is sealed: the key that
// it names, or the key of its list below that. Format: version, key name (4
// bytes), nonce (24), XChaCha20-Poly1305 of the text. The nonce is long enough to
// be drawn at random for as many values as a store can hold.
const (
	sealedByKey  = 1
	sealedByList = 2
)

const sealOverhead = 1 + 4 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

// KeySize is the size of an ask's key, a keyed hash of its question.
const KeySize = 16

// AskKey is the keyed hash by which equal questions find each other.
type AskKey [KeySize]byte

// Sealer seals personal columns and hashes what must be found again. It is
// safe for concurrent use.
type Sealer struct {
	keys  Keys
	first [4]byte
	seals map[[4]byte]*seal
	// writers are keyWriters that nobody uses.
	writers sync.Pool
	index   []byte
}

// NewSealer returns a Sealer that seals with the first of k.Seal.
func NewSealer(k Keys) (*Sealer, error) {
	if len(k.Seal) == 0 || len(k.Index) != keySize {
		return nil, errors.New("make sealer: an encryption key and an index key are needed")
	}
	if err := k.assertGaps(); err != nil {
		return nil, fmt.Errorf("make sealer: %w", err)
	}
	s := &Sealer{keys: k, first: k.Seal[0].ID, seals: make(map[[4]byte]*seal, len(k.Seal)), index: slices.Clone(k.Index)}
	for _, key := range k.Seal {
		one, err := newSeal(key)
		if err != nil {
			return nil, fmt.Errorf("make sealer: %w", err)
		}
		s.seals[key.ID] = one
	}
	s.writers.New = func() any { return &keyWriter{m: hmac.New(sha256.New, s.index)} }
	return s, nil
}

// Seal encrypts text for one column of one record: it opens there only. What
// belongs to a list whose key was destroyed is not kept at all.
func (s *Sealer) Seal(column string, id int64, text []byte) []byte {
	out := make([]byte, 5+chacha20poly1305.NonceSizeX, sealOverhead+len(text))
	first := s.seals[s.first]
	out[0] = first.version(column)
	copy(out[1:5], s.first[:])
	a := first.aead(out[0], column, id)
	if a == nil {
		return out[:sealOverhead]
	}
	nonce := out[5:]
	_, _ = rand.Read(nonce) // never fails
	return a.Seal(out, nonce, text, place(column, id))
}

// Open decrypts what Seal made for the same column and id. *DestroyedError: it
// was of a list whose key was destroyed. *SealKeyError: the key is not given.
func (s *Sealer) Open(column string, id int64, sealed []byte) ([]byte, error) {
	if len(sealed) < sealOverhead || sealed[0] != sealedByKey && sealed[0] != sealedByList {
		return nil, fmt.Errorf("open %s: it is not a sealed value", column)
	}
	if no, of := listOf(column, id); of && s.Destroyed(no) {
		return nil, &DestroyedError{List: no}
	}
	k := s.seals[[4]byte(sealed[1:5])]
	if k == nil || sealed[0] == sealedByList && k.tree == nil {
		return nil, &SealKeyError{Column: column, Key: hex.EncodeToString(sealed[1:5])}
	}
	a := k.aead(sealed[0], column, id)
	if a == nil {
		no, _ := listOf(column, id)
		return nil, &DestroyedError{List: no}
	}
	text, err := a.Open(nil, sealed[5:5+chacha20poly1305.NonceSizeX], sealed[5+chacha20poly1305.NonceSizeX:], place(column, id))
	if err != nil {
		return nil, fmt.Errorf("open %s: it was changed, or belongs to another record", column)
	}
	return text, nil
}

// Destroyed reports whether the key of a list was destroyed.
func (s *Sealer) Destroyed(no BatchNo) bool {
	tree := s.seals[s.first].tree
	return tree != nil && !tree.Has(no)
}

// LastDestroyed is Keys.LastDestroyed.
func (s *Sealer) LastDestroyed() BatchNo { return s.keys.LastDestroyed() }

// place is the associated data: which column of which record.
func place(column string, id int64) []byte {
	b := make([]byte, 0, len(column)+9)
	b = append(append(b, column...), 0)
	return binary.BigEndian.AppendUint64(b, uint64(id)) //nolint:gosec // only its bits matter
}

// Key hashes a question. Columns and parameters enter by name, sorted, each
// with its length, so that no two questions can be written alike.
func (s *Sealer) Key(tenant, provider string, q Question) AskKey {
	w := s.writer()
	defer s.writers.Put(w)
	return w.key(tenant, provider, q)
}

// writer returns one that nobody else uses, to be put back.
func (s *Sealer) writer() *keyWriter {
	return s.writers.Get().(*keyWriter) //nolint:forcetypeassert // the pool holds nothing else
}

// Hash is the keyed hash of anything else that must be found by equality,
// such as a provider's ticket. what keeps kinds apart.
func (s *Sealer) Hash(what string, parts ...string) []byte {
	w := keyWriter{m: hmac.New(sha256.New, s.index)}
	w.text(what)
	for _, p := range parts {
		w.text(p)
	}
	return w.sum()
}

// keyWriter puts together what is hashed. It is for one goroutine.
type keyWriter struct {
	m    hash.Hash
	buf  []byte
	hash [sha256.Size]byte
}

func (w *keyWriter) key(tenant, provider string, q Question) AskKey {
	w.buf = w.buf[:0]
	w.text("ask")
	w.text(tenant)
	w.text(provider)
	var columns [4]providers.Column
	for _, c := range sortedKeys(q.Subject, columns[:]) {
		w.text(string(c))
		w.text(q.Subject[c])
	}
	w.text("")
	var params [4]string
	for _, p := range sortedKeys(q.Params, params[:]) {
		w.text(p)
		w.text(q.Params[p])
	}
	return AskKey(w.sum())
}

func (w *keyWriter) text(s string) {
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(len(s))) //nolint:gosec // values are bounded far below
	w.buf = append(w.buf, s...)
}

// sum returns the hash of all texts, which is overwritten by the next one.
func (w *keyWriter) sum() []byte {
	w.m.Reset()
	w.m.Write(w.buf)
	return w.m.Sum(w.hash[:0])[:KeySize]
}
