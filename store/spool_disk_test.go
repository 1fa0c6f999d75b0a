package store_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/plateq/plateq/store"
)

var errDisk = errors.New("input/output error")

// badDisk is a disk of which some operations fail, and that can lose its power: then what was not synced may be there or not, page by
// page. A sync that fails says so once: what it did not write is never written.
type badDisk struct {
	rand  *rand.Rand
	bad   func() bool            // says of each operation whether it fails; nil: none does
	names []map[string]*diskNode // the directory as it was synced last, and after each change since then
}

// diskNode is a file: what is in it and what of that would outlive a loss of power.
type diskNode struct {
	real  *os.File
	safe  []byte
	dirty map[int64]bool // pages
}

type badFile struct {
	*diskNode
	disk *badDisk
}

func newBadDisk(seed uint64) *badDisk {
	return &badDisk{rand: rand.New(rand.NewPCG(seed, 1)), names: []map[string]*diskNode{{}}}
}

func (d *badDisk) on() store.SpoolDisk {
	return store.SpoolDisk{Open: d.open, Rename: d.rename, SyncDir: d.syncDir}
}

func (d *badDisk) fails() bool { return d.bad != nil && d.bad() }

func (d *badDisk) change(change func(map[string]*diskNode)) {
	next := maps.Clone(d.names[len(d.names)-1])
	change(next)
	d.names = append(d.names, next)
}

func (d *badDisk) open(path string, flag int) (store.SpoolFile, error) {
	if d.fails() {
		return nil, errDisk
	}
	file, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	node := d.names[len(d.names)-1][name]
	switch {
	case flag&os.O_TRUNC != 0:
		node = &diskNode{dirty: map[int64]bool{}}
		d.change(func(m map[string]*diskNode) { m[name] = node })
	case node == nil: // it was there before
		node = &diskNode{dirty: map[int64]bool{}}
		if node.safe, err = os.ReadFile(path); err != nil {
			return nil, err
		}
		for _, m := range d.names {
			m[name] = node
		}
	}
	node.real = file
	return &badFile{node, d}, nil
}

func (d *badDisk) rename(from, to string) error {
	if d.fails() {
		return errDisk
	}
	d.change(func(m map[string]*diskNode) {
		m[filepath.Base(to)] = m[filepath.Base(from)]
		delete(m, filepath.Base(from))
	})
	return os.Rename(from, to)
}

func (d *badDisk) syncDir(string) error {
	if d.fails() {
		return errDisk
	}
	d.names = d.names[len(d.names)-1:]
	return nil
}

func (f *badFile) ReadAt(b []byte, at int64) (int, error) { return f.real.ReadAt(b, at) }
func (f *badFile) Close() error                           { return f.real.Close() }

func (f *badFile) WriteAt(b []byte, at int64) (int, error) {
	const page = 4096
	fails := f.disk.fails()
	if fails {
		b = b[:f.disk.rand.IntN(len(b)+1)]
	}
	for p := at / page; len(b) > 0 && p <= (at+int64(len(b))-1)/page; p++ {
		f.dirty[p] = true
	}
	n, err := f.real.WriteAt(b, at)
	if fails {
		err = errDisk
	}
	return n, err
}

func (f *badFile) Sync() error {
	if f.disk.fails() {
		f.safe = f.written(f.disk.some)
		clear(f.dirty)
		return errDisk
	}
	f.safe = f.written(func() bool { return true })
	clear(f.dirty)
	return nil
}

// written is what would outlive a loss of power, with those of the dirty pages
// that reach the disk.
func (n *diskNode) written(reaches func() bool) []byte {
	const page = 4096
	safe := slices.Clone(n.safe)
	for p := range n.dirty {
		b := make([]byte, page)
		got, _ := n.real.ReadAt(b, p*page) // of a file that was replaced there is none
		if got == 0 || !reaches() {
			continue
		}
		if need := p*page + int64(got); int64(len(safe)) < need {
			safe = append(safe, make([]byte, need-int64(len(safe)))...)
		}
		copy(safe[p*page:], b[:got])
	}
	return safe
}

func (d *badDisk) some() bool { return d.rand.IntN(2) == 0 }

// loseThePower leaves a directory with what may be in it after that.
func (d *badDisk) loseThePower(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, node := range d.names[d.rand.IntN(len(d.names))] {
		if err := os.WriteFile(filepath.Join(dir, name), node.written(d.some), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
