package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
)

// KeyTree gives each list a key of its own, and can be deprived of the keys of
// some lists for ever.
//
// It is a binary tree over the numbers of lists. Each key is derived from the
// one above it, and none from those beside or below it. To take a list away is
// to forget every key on the way to it, and to keep those that branch off: all
// other lists have the keys that they had, and nothing leads to this one. So
// processes need not share more than the tree, new lists need nothing written
// down, and an old copy of the tree loses no data.
//
// The zero value has no key for any list.
type KeyTree struct {
	nodes []treeNode // ascending, disjoint
}

// treeNode has the key of 1<<height lists from first on.
type treeNode struct {
	first  BatchNo
	height uint8
	key    [keySize]byte
}

// treeHeight covers every number that a batch can have.
const treeHeight = 31

// treeNodeSize is the size of a node in the text of a tree.
const treeNodeSize = 4 + 1 + keySize

func (n treeNode) last() BatchNo { return n.first + (1<<n.height - 1) }

func (n treeNode) has(no BatchNo) bool { return n.first <= no && no <= n.last() }

// children are the two halves of a node that stands for several lists.
func (n treeNode) children() (left, right treeNode) {
	half := n.height - 1
	left = treeNode{first: n.first, height: half, key: n.derive(0)}
	right = treeNode{first: n.first + 1<<half, height: half, key: n.derive(1)}
	return left, right
}

func (n treeNode) derive(side byte) (key [keySize]byte) {
	m := hmac.New(sha256.New, n.key[:])
	m.Write([]byte{'p', 'l', 'a', 't', 'e', 'q', side})
	m.Sum(key[:0])
	return key
}

// newKeyTree makes a tree at random that has all lists.
func newKeyTree() *KeyTree {
	return &KeyTree{nodes: []treeNode{{height: treeHeight, key: [keySize]byte(random(keySize))}}}
}

// Key returns the key of a list. False: it was destroyed.
func (t *KeyTree) Key(no BatchNo) ([]byte, bool) {
	i := t.find(no)
	if i < 0 {
		return nil, false
	}
	n := t.nodes[i]
	for n.height > 0 {
		left, right := n.children()
		if n = left; !n.has(no) {
			n = right
		}
	}
	return n.key[:], true
}

// Has reports whether the key of a list is there.
func (t *KeyTree) Has(no BatchNo) bool { return t.find(no) >= 0 }

// find returns the place of the node that a list is under, or -1.
func (t *KeyTree) find(no BatchNo) int {
	i, _ := slices.BinarySearchFunc(t.nodes, no, func(n treeNode, no BatchNo) int {
		if n.last() < no {
			return -1
		}
		return 1
	})
	if i == len(t.nodes) || !t.nodes[i].has(no) {
		return -1
	}
	return i
}

// Without returns the tree without the keys of some lists. It leaves t as it is.
func (t *KeyTree) Without(lists ...BatchNo) *KeyTree {
	lists = slices.Clone(lists)
	slices.Sort(lists)
	rest := &KeyTree{}
	for _, n := range t.nodes {
		rest.nodes = n.without(rest.nodes, lists)
	}
	return rest
}

// without adds what is left of the node to nodes. lists are ascending.
func (n treeNode) without(nodes []treeNode, lists []BatchNo) []treeNode {
	from, _ := slices.BinarySearch(lists, n.first)
	if from == len(lists) || lists[from] > n.last() {
		return append(nodes, n)
	}
	if n.height == 0 {
		return nodes
	}
	left, right := n.children()
	return right.without(left.without(nodes, lists[from:]), lists[from:])
}

// Gap is lists, in sequence, whose keys were destroyed.
type Gap struct{ First, Last BatchNo }

// Gaps returns all lists whose keys were destroyed, ascending.
func (t *KeyTree) Gaps() []Gap {
	var gaps []Gap
	next := BatchNo(0)
	for _, n := range t.nodes {
		if n.first > next {
			gaps = append(gaps, Gap{next, n.first - 1})
		}
		next = n.last() + 1 // below 0 after the last one that there can be
	}
	if next >= 0 {
		gaps = append(gaps, Gap{next, 1<<treeHeight - 1})
	}
	return gaps
}

// withGaps returns the tree without the lists of gaps.
func (t *KeyTree) withGaps(gaps []Gap) *KeyTree {
	rest := t
	for _, g := range gaps {
		cut := &KeyTree{}
		for _, n := range rest.nodes {
			cut.nodes = n.withoutGap(cut.nodes, g)
		}
		rest = cut
	}
	return rest
}

func (n treeNode) withoutGap(nodes []treeNode, g Gap) []treeNode {
	switch {
	case n.last() < g.First || g.Last < n.first:
		return append(nodes, n)
	case g.First <= n.first && n.last() <= g.Last:
		return nodes
	}
	left, right := n.children()
	return right.withoutGap(left.withoutGap(nodes, g), g)
}

// Equal reports whether two trees are the same.
func (t *KeyTree) Equal(o *KeyTree) bool {
	if t == nil || o == nil {
		return t == o
	}
	return slices.Equal(t.nodes, o.nodes)
}

// String writes the tree as a key file has it.
func (t *KeyTree) String() string {
	b := make([]byte, 0, len(t.nodes)*treeNodeSize)
	for _, n := range t.nodes {
		b = binary.BigEndian.AppendUint32(b, uint32(n.first)) //nolint:gosec // it is not negative
		b = append(append(b, n.height), n.key[:]...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// ParseKeyTree is the inverse of String.
func ParseKeyTree(text string) (*KeyTree, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b)%treeNodeSize != 0 {
		return nil, errors.New("the keys of lists are cut off or damaged")
	}
	t := &KeyTree{}
	next := int64(0)
	for r := bytes.NewBuffer(b); r.Len() > 0; {
		part := r.Next(treeNodeSize)
		first, height := int64(binary.BigEndian.Uint32(part)), part[4]
		if height > treeHeight || first < next || first&(1<<height-1) != 0 || first+1<<height > 1<<treeHeight {
			return nil, errors.New("the keys of lists are cut off or damaged")
		}
		next = first + 1<<height
		t.nodes = append(t.nodes, treeNode{first: BatchNo(first), height: height, key: [keySize]byte(part[5:])}) //nolint:gosec // it was looked at
	}
	return t, nil
}
