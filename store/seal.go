package store

import (
	"crypto/cipher"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"
)

// seal is a sealing key in use.
type seal struct {
	direct cipher.AEAD
	tree   *KeyTree // nil: lists have no keys of their own
	// lists has the keys of lists that were used of late, by number.
	lists sync.Map
	kept  atomic.Int32
}

// keptLists bounds how many keys of lists are kept at hand, some hundred bytes
// each. To derive one again takes as long as to seal a few values.
const keptLists = 4096

func newSeal(k SealKey) (*seal, error) {
	direct, err := chacha20poly1305.NewX(k.Key)
	return &seal{direct: direct, tree: k.Lists}, err
}

// listOf returns the list that a value belongs to, which its place tells. False:
// it belongs to none, or its place does not tell.
func listOf(column string, id int64) (BatchNo, bool) {
	switch column {
	case columnMeta:
		return BatchNo(id), true //nolint:gosec // built from a BatchNo
	case columnLine, columnQuestion, columnAnswer:
		return AskID(id).Home(), true
	}
	return 0, false
}

// version is how the key seals values of a column.
func (k *seal) version(column string) byte {
	if _, of := listOf(column, 0); of && k.tree != nil {
		return sealedByList
	}
	return sealedByKey
}

// aead returns what seals and opens a value of that version; nil: the key of its
// list was destroyed.
func (k *seal) aead(version byte, column string, id int64) cipher.AEAD {
	if version == sealedByKey {
		return k.direct
	}
	no, _ := listOf(column, id)
	if a, known := k.lists.Load(no); known {
		return a.(cipher.AEAD) //nolint:forcetypeassert // nothing else is kept there
	}
	key, there := k.tree.Key(no)
	if !there {
		return nil
	}
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(fmt.Sprintf("store: a key of a list has the wrong size: %v", err))
	}
	if k.kept.Add(1) > keptLists {
		k.lists.Clear()
		k.kept.Store(1)
	}
	k.lists.Store(no, a)
	return a
}

// LastDestroyed is the highest number of a list whose key was destroyed; 0:
// there is none. A new list must have a higher one.
func (k Keys) LastDestroyed() BatchNo {
	tree := k.Seal[0].Lists
	if tree == nil {
		return 0
	}
	gaps := tree.Gaps()
	if len(gaps) == 0 {
		return 0
	}
	return gaps[len(gaps)-1].Last
}

// assertGaps refuses a first key that would give lists keys again which were
// destroyed below another one.
func (k Keys) assertGaps() error {
	first := k.Seal[0].Lists
	for _, other := range k.Seal[1:] {
		if first != nil && other.Lists != nil && !first.withGaps(other.Lists.Gaps()).Equal(first) {
			return fmt.Errorf("encryption key %s has keys of lists that were destroyed: make it with plateq secrets new, with the variables as they are now",
				k.Seal[0].Name())
		}
	}
	return nil
}
