package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Journal keeps what a stand-in must know again after it was restarted or killed: one line per charge and per change
// of an account. The server calls Replay once, before any Append, and never two methods at once.
type Journal interface {
	// Append keeps line, which holds no line break. When it returns nil the line survives a kill of the process. A
	// charge is only answered after that.
	Append(line []byte) error
	// Replay calls f with every line in the order of Append and stops at its first error, which it returns. A last
	// line that was cut short is not an error: Append had not returned, so nobody was told. f does not keep line.
	Replay(f func(line []byte) error) error
	Close() error
}

// MemoryJournal returns a journal that lasts as long as the value does. It may be given to a second server after the
// first was abandoned.
func MemoryJournal() Journal { return &memoryJournal{} }

type memoryJournal struct {
	mu    sync.Mutex
	lines [][]byte
}

// Append keeps a copy of line.
func (m *memoryJournal) Append(line []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, slices.Clone(line))
	return nil
}

// Replay runs without the lock, on the lines that were there when it was called.
func (m *memoryJournal) Replay(f func(line []byte) error) error {
	m.mu.Lock()
	lines := slices.Clone(m.lines)
	m.mu.Unlock()
	for i, line := range lines {
		if err := f(line); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

// Close does nothing: the lines can still be read.
func (m *memoryJournal) Close() error { return nil }

// FileJournal opens the journal at path, JSON Lines, and creates it, readable by its owner alone, where there is none.
// A last line without its line break is cut off. With sync each Append reaches the disk before it returns, so that the
// journal survives the machine too. One process at a time may use a path.
func FileJournal(path string, sync bool) (Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // where to keep it is for the caller to say
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &fileJournal{f: f, sync: sync}
	if err := j.open(filepath.Dir(path)); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), f.Close())
	}
	return j, nil
}

type fileJournal struct {
	mu   sync.Mutex
	f    *os.File
	sync bool
	size int64 // of the whole lines
}

// open cuts off what follows the last line break, and makes the file's name itself durable.
func (j *fileJournal) open(dir string) error {
	if _, err := j.scan(func([]byte) error { return nil }); err != nil {
		return err
	}
	if err := j.f.Truncate(j.size); err != nil {
		return err
	}
	if !j.sync {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // the folder of the same path
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// scan calls f with every whole line, leaves their size in j.size and returns how many there are.
func (j *fileJournal) scan(f func(line []byte) error) (int, error) {
	var n int
	var size int64
	r := bufio.NewReaderSize(io.NewSectionReader(j.f, 0, 1<<62), 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			j.size = size
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n++
		if err := f(line[:len(line)-1]); err != nil {
			return n, err
		}
		size += int64(len(line))
	}
}

// Append writes line and its line break in one call.
func (j *fileJournal) Append(line []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	whole := append(slices.Clone(line), '\n')
	if _, err := j.f.WriteAt(whole, j.size); err != nil {
		// What was written in part must not become the head of the next line.
		return errors.Join(fmt.Errorf("append to journal: %w", err), j.f.Truncate(j.size))
	}
	if j.sync {
		if err := j.f.Sync(); err != nil {
			return errors.Join(fmt.Errorf("sync journal: %w", err), j.f.Truncate(j.size))
		}
	}
	j.size += int64(len(whole))
	return nil
}

// Replay reads the file from its start.
func (j *fileJournal) Replay(f func(line []byte) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n, err := j.scan(f); err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	return nil
}

// Close closes the file.
func (j *fileJournal) Close() error { return j.f.Close() }
