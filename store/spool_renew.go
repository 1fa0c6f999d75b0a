package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// openEmpty begins a file anew of which nothing is needed: whoever emptied it
// may have ended before he did.
func (p *Spool) openEmpty(owner spoolOwner, size int64) error {
	torn := p.torn
	defer func() { p.torn = torn }()
	if owner != p.owner || size != p.size {
		return p.reserve()
	}
	if err := p.openFile(); err != nil {
		return err
	}
	if err := p.restart(); err != nil {
		return errors.Join(err, p.file.Close())
	}
	return nil
}

func (p *Spool) openFile() (err error) {
	p.file, err = p.disk.Open(p.path, os.O_RDWR)
	return err
}

// restart begins to fill the file anew once nothing in it is needed, or sets
// it aside where it holds what could not be read. Where the file does not take
// that, a fresh one takes its place.
func (p *Spool) restart() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.live) > 0 || p.used == spoolFrames && !p.unfit || p.file == nil {
		return nil
	}
	if p.damaged > 0 {
		return p.setAside()
	}
	var err error
	if !p.unfit {
		if err = p.begin(); err == nil {
			return nil
		}
	}
	if fresh := p.reserve(); fresh != nil {
		return fmt.Errorf("restart spool: %w", errors.Join(err, fresh))
	}
	return nil
}

// begin begins the next generation in the file that is there.
func (p *Spool) begin() error {
	// Marks first: were a generation's name lost, its frames must not come back.
	if err := p.file.Sync(); err != nil {
		return err
	}
	gen, used := newGeneration(), p.used
	p.unfit = true // which generation a reader would find is known again when both pages name the same
	for _, at := range []int64{0, spoolPage} {
		_, err := p.file.WriteAt(spoolHead(gen, p.owner), at)
		if err := errors.Join(err, p.file.Sync()); err != nil {
			return err
		}
	}
	p.spoolState, p.tight, p.unfit = spoolState{gen: gen, end: spoolFrames}, false, false
	// What was in it must not outlive what is erased from the store. Before the
	// new name it would be taken for damage after a loss of power.
	if _, err := p.file.WriteAt(make([]byte, used-spoolFrames), spoolFrames); err != nil {
		return err
	}
	p.used = spoolFrames
	return nil
}

// setAside keeps a copy of the file under another name and begins anew. The file
// itself stays where it is until another one takes its place: were it moved away
// first, what is put into it would not be found after that had failed.
func (p *Spool) setAside() error {
	e := &SpoolDamagedError{Kept: fmt.Sprintf("%s.damaged-%x", p.path, p.gen), Records: p.damaged}
	err := p.copyTo(e.Kept)
	if err == nil {
		err = p.reserve()
	}
	if p.damaged > 0 { // it is still the one in use
		return fmt.Errorf("replace damaged spool: %w", err)
	}
	return errors.Join(e, err)
}

func (p *Spool) copyTo(path string) error {
	to, err := p.disk.Open(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return full(err)
	}
	whole := make([]byte, p.size)
	_, err = p.file.ReadAt(whole, 0)
	if err == nil {
		_, err = to.WriteAt(whole, 0)
	}
	if err == nil {
		err = to.Sync()
	}
	return errors.Join(full(err), to.Close())
}

// reserve puts a new file in place, every block of it written.
func (p *Spool) reserve() error {
	next := p.path + ".new"
	f, err := p.disk.Open(next, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return full(err)
	}
	gen := newGeneration()
	err = writeBlank(f, gen, p.owner, p.size)
	if err == nil {
		err = p.disk.Rename(next, p.path)
	}
	if err != nil {
		return errors.Join(full(err), f.Close(), os.Remove(next))
	}
	if p.file != nil {
		_ = p.file.Close() // nothing in it is needed
	}
	p.file, p.spoolState, p.used, p.tight = f, spoolState{gen: gen, end: spoolFrames}, spoolFrames, false
	// Until the directory is on disk too, the old file may come back.
	err = p.disk.SyncDir(filepath.Dir(p.path))
	p.unfit = err != nil
	return err
}
