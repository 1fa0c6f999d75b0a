package store

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

const lastBatch = 1<<treeHeight - 1

// A list that is taken away has no key any more, and all others keep theirs.
func TestKeyTreeForgetsWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	whole := newKeyTree()
	random := rand.New(rand.NewPCG(1, 2))
	rest, gone := whole, map[BatchNo]bool{}
	for range 50 {
		lists := []BatchNo{BatchNo(random.IntN(64)), BatchNo(random.Int32N(lastBatch)), 0, lastBatch}[:1+random.IntN(4)]
		for _, no := range lists {
			gone[no] = true
		}
		rest = rest.Without(lists...)
	}
	read, err := ParseKeyTree(rest.String())
	if err != nil || !read.Equal(rest) {
		t.Fatalf("it reads as another tree: %v", err)
	}
	looked := []BatchNo{0, 1, 63, 64, 65, lastBatch - 1, lastBatch}
	for no := range gone {
		looked = append(looked, no, max(0, no-1), max(no, no+1))
	}
	for _, no := range looked {
		want, _ := whole.Key(no)
		got, there := read.Key(no)
		if there == gone[no] || there && !bytes.Equal(got, want) || read.Has(no) != there {
			t.Errorf("list %d: gone %t, and its key is there: %t, the same: %t", no, gone[no], there, bytes.Equal(got, want))
		}
	}
	n := 0
	for _, g := range read.Gaps() {
		n += int(g.Last-g.First) + 1
	}
	if n != len(gone) {
		t.Errorf("the gaps have %d lists, want %d", n, len(gone))
	}
	other := newKeyTree().withGaps(read.Gaps())
	if !slices.Equal(other.Gaps(), read.Gaps()) {
		t.Errorf("another tree has other gaps: %v, want %v", other.Gaps(), read.Gaps())
	}
	// What is left cannot lead back: no key of it is one above a list that is gone.
	for no := range gone {
		n := whole.nodes[0]
		for ; n.height > 0; n = under(n, no) {
			if slices.ContainsFunc(read.nodes, func(left treeNode) bool { return left.key == n.key }) {
				t.Errorf("a key above list %d is still there", no)
			}
		}
	}
}

func under(n treeNode, no BatchNo) treeNode {
	left, right := n.children()
	if left.has(no) {
		return left
	}
	return right
}

func TestKeyTreeWithoutAnything(t *testing.T) {
	t.Parallel()
	rest := newKeyTree().withGaps([]Gap{{0, lastBatch}})
	if rest.Has(0) || rest.Has(lastBatch) || len(rest.nodes) != 0 || !slices.Equal(rest.Gaps(), []Gap{{0, lastBatch}}) {
		t.Errorf("there are keys left: %v", rest.Gaps())
	}
	if gaps := newKeyTree().Gaps(); len(gaps) != 0 {
		t.Errorf("a whole tree has gaps: %v", gaps)
	}
}

// Lists in sequence that are gone make the tree no larger than one.
func TestKeyTreeStaysSmall(t *testing.T) {
	t.Parallel()
	var lists []BatchNo
	for no := range BatchNo(5000) {
		lists = append(lists, no+1)
	}
	if n := len(newKeyTree().Without(lists...).nodes); n > 2*treeHeight {
		t.Errorf("%d keys are left for one gap, want at most %d", n, 2*treeHeight)
	}
}

func FuzzParseKeyTree(f *testing.F) {
	f.Add("")
	f.Add(newKeyTree().String())
	f.Add(newKeyTree().Without(1, 7, 100).String())
	f.Fuzz(func(t *testing.T, text string) {
		tree, err := ParseKeyTree(text)
		if err != nil {
			return
		}
		for _, g := range tree.Gaps() {
			if g.First > g.Last || tree.Has(g.First) || tree.Has(g.Last) {
				t.Fatalf("gap %v is none", g)
			}
		}
		if again, err := ParseKeyTree(tree.String()); err != nil || !again.Equal(tree) {
			t.Fatalf("written again it reads otherwise: %v", err)
		}
	})
}

func BenchmarkKeyTree(b *testing.B) {
	tree := newKeyTree()
	for b.Loop() {
		tree.Key(12345)
	}
}
