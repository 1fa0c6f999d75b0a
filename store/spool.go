package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// SpoolSize is how large a spool is where nobody says otherwise.
const SpoolSize = 8 << 20

// ErrSpoolFull says that a settlement does not fit. Nothing was written.
var ErrSpoolFull = errors.New("the spool is full")

var errSpooled = errors.New("spool settlement: it must be of a call or of a ticket")

// SpoolDamagedError says that records of a spool cannot be read any more. The
// file is kept under Kept; all its other records were applied.
type SpoolDamagedError struct {
	Kept    string
	Records int // that cannot be read
}

func (e *SpoolDamagedError) Error() string {
	return fmt.Sprintf("%d spooled answers are damaged: the file is kept as %s; settle their calls by hand", e.Records, e.Kept)
}

// Spooled is a settlement that the store could not take: one of the two.
type Spooled struct {
	Call   *Settlement
	Ticket *TicketSettlement
}

// spoolRecord is a Spooled as it is kept. At is zero where nobody knew it.
type spoolRecord struct {
	At     time.Time
	Call   *Settlement
	Ticket *TicketSettlement
}

// SpoolUse is what a spool holds. Bytes of Capacity are filled: what was
// applied counts among them until the spool is empty.
type SpoolUse struct {
	Answers         int // settlements, those that cannot be read among them
	Bytes, Capacity int64
	Oldest          time.Time // when the first of them came; zero: there is none, or nobody knows
}

// Spool keeps settlements that the store cannot take now, sealed, in a file.
// Its blocks are written when it is made and only ever overwritten, so that a
// full disk does not stop it where the file system overwrites in place. A
// directory belongs to one process. A Spool is safe for concurrent use.
type Spool struct {
	path   string
	sealer *Sealer
	owner  spoolOwner
	now    func() time.Time
	drain  sync.Mutex // held by the one Drain
	mu     sync.Mutex // guards what follows
	file   *os.File
	size   int64
	spoolState
	refused bool // a settlement did not fit
}

// OpenSpool opens the spool in dir for the store of that id and makes one of
// size bytes where there is none, or an empty one of another size or store; 0
// means SpoolSize. A spool that holds answers for another store is refused
// with *SpoolStoreError: the calls there have the same numbers. So is one whose
// records were sealed with a key that s does not have. Both are left as they
// are.
func OpenSpool(dir string, s *Sealer, id string, size int64) (*Spool, error) {
	if size == 0 {
		size = SpoolSize
	}
	p := &Spool{path: filepath.Join(dir, spoolName), sealer: s, owner: ownerOf(id), size: max(size, spoolFrames), now: time.Now}
	whole, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = p.reserve("")
	} else if err == nil {
		err = p.open(whole)
	}
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", p.path, err)
	}
	return p, nil
}

// open takes over a file that is there, and reads all of it once so that a
// missing key is found before anybody relies on the spool.
func (p *Spool) open(whole []byte) (err error) {
	state, owner, err := readSpool(whole)
	if err != nil {
		return err
	}
	p.spoolState = state
	if owner != p.owner && p.kept() > 0 {
		return &SpoolStoreError{Path: p.path, Records: p.kept()}
	}
	for i, f := range p.live {
		r, err := p.decode(f, whole[f.at+frameHead:f.at+frameHead+f.length])
		if err != nil {
			return fmt.Errorf("it holds %d answers and is left as it is: %w", len(p.live), err)
		}
		p.live[i].since = r.At
	}
	if p.kept() == 0 {
		return p.openEmpty(owner, int64(len(whole)))
	}
	p.size = int64(len(whole))
	return p.openFile()
}

// openEmpty begins a file anew of which nothing is needed: whoever emptied it
// may have ended before he did.
func (p *Spool) openEmpty(owner spoolOwner, size int64) error {
	torn := p.torn
	defer func() { p.torn = torn }()
	if owner != p.owner || size != p.size {
		return p.reserve("")
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
	p.file, err = os.OpenFile(p.path, os.O_RDWR, 0)
	return err
}

// Torn reports whether the last record was found cut when the spool was
// opened: the process ended within Put, which had not returned. A last record
// that was damaged later looks the same.
func (p *Spool) Torn() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.torn
}

// Len returns how many settlements are kept, those that cannot be read among
// them: while it is not 0, there is something to drain.
func (p *Spool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept()
}

// TellTime has the spool note by now when settlements come; without, it is
// time.Now. It is for whoever opened the spool, before others use it.
func (p *Spool) TellTime(now func() time.Time) { p.now = now }

// Use returns what the spool holds.
func (p *Spool) Use() SpoolUse {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := SpoolUse{Answers: p.kept(), Bytes: p.end - spoolFrames, Capacity: p.size - spoolFrames}
	for _, f := range p.live { // the clock may have been set between them
		if !f.since.IsZero() && (u.Oldest.IsZero() || f.since.Before(u.Oldest)) {
			u.Oldest = f.since
		}
	}
	return u
}

// readable returns how many settlements Drain can apply.
func (p *Spool) readable() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live)
}

// Full reports whether no further call should be claimed: less than a quarter
// of the space is left for what is in flight, or something did not fit.
func (p *Spool) Full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused || p.size-p.end < (p.size-spoolFrames)/4
}

// Put keeps a settlement. When it returns nil, the settlement is on disk. One
// that is larger than the whole spool is refused and does not make it full.
func (p *Spool) Put(s Spooled) error {
	if (s.Call == nil) == (s.Ticket == nil) {
		return errSpooled
	}
	at := p.now()
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(spoolRecord{At: at, Call: s.Call, Ticket: s.Ticket}); err != nil {
		return fmt.Errorf("spool settlement: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return fmt.Errorf("spool settlement: %w", os.ErrClosed)
	}
	frame := appendFrame(nil, p.gen, p.sealer.Seal(spoolName, p.end, text.Bytes()))
	if p.end+int64(len(frame)) > p.size {
		p.refused = p.refused || spoolFrames+int64(len(frame)) <= p.size
		return ErrSpoolFull
	}
	_, err := p.file.WriteAt(frame, p.end)
	if err := errors.Join(err, p.file.Sync()); err != nil {
		return fmt.Errorf("spool settlement: %w", err)
	}
	p.live = append(p.live, spoolFrame{at: p.end, length: int64(len(frame)) - frameHead, since: at})
	p.end += int64(len(frame))
	return nil
}

// Drain gives apply what is kept, oldest first, until it returns an error,
// and removes what was applied. It returns how many were. A process that ends
// during Drain may find settlements again that it had applied: the store
// refuses those, so that they do no harm. What Put adds meanwhile is left to
// the next Drain. A *SpoolDamagedError comes once, when all else was applied.
func (p *Spool) Drain(ctx context.Context, apply func(Spooled) error) (n int, err error) {
	p.drain.Lock()
	defer p.drain.Unlock()
	for left := p.readable(); left > 0; left-- {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		s, err := p.oldest()
		if err == nil {
			err = apply(s)
		}
		if err != nil {
			return n, err
		}
		if err := p.markApplied(); err != nil {
			return n, fmt.Errorf("drain spool: %w", err)
		}
		n++
	}
	return n, p.restart()
}

// Close closes the file. What is kept stays.
func (p *Spool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	p.file = nil
	return err
}

// oldest reads the first settlement that was not applied. Only Drain takes
// from live, so that it stays the first without the lock.
func (p *Spool) oldest() (Spooled, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return Spooled{}, fmt.Errorf("drain spool: %w", os.ErrClosed)
	}
	f := p.live[0]
	sealed := make([]byte, f.length)
	if _, err := p.file.ReadAt(sealed, f.at+frameHead); err != nil {
		return Spooled{}, fmt.Errorf("drain spool: %w", err)
	}
	r, err := p.decode(f, sealed)
	if err != nil {
		return Spooled{}, fmt.Errorf("drain spool: %w", err)
	}
	return Spooled{Call: r.Call, Ticket: r.Ticket}, nil
}

func (p *Spool) decode(f spoolFrame, sealed []byte) (r spoolRecord, err error) {
	text, err := p.sealer.Open(spoolName, f.at, sealed)
	if err != nil {
		return spoolRecord{}, err
	}
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&r); err != nil {
		return spoolRecord{}, fmt.Errorf("decode settlement: %w", err)
	}
	if (r.Call == nil) == (r.Ticket == nil) {
		return spoolRecord{}, errSpooled
	}
	return r, nil
}

// markApplied needs no sync: a mark that is lost repeats a settlement.
func (p *Spool) markApplied() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return os.ErrClosed
	}
	mark := binary.BigEndian.AppendUint32(nil, frameApplied)
	if _, err := p.file.WriteAt(mark, p.live[0].at+int64(len(p.gen))); err != nil {
		return err
	}
	p.live = p.live[1:]
	return nil
}

// restart begins to fill the file anew once nothing in it is needed, or sets
// it aside where it holds what could not be read.
func (p *Spool) restart() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.live) > 0 || p.end == spoolFrames || p.file == nil {
		return nil
	}
	if p.damaged > 0 {
		return p.setAside()
	}
	// Marks first: were a generation's name lost, its frames must not come back.
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("restart spool: %w", err)
	}
	gen := newGeneration()
	for _, at := range []int64{0, spoolPage} {
		_, err := p.file.WriteAt(spoolHead(gen, p.owner), at)
		if err := errors.Join(err, p.file.Sync()); err != nil {
			return fmt.Errorf("restart spool: %w", err)
		}
	}
	// What was in it must not outlive what is erased from the store. Before the
	// new name it would be taken for damage after a loss of power.
	if _, err := p.file.WriteAt(make([]byte, p.end-spoolFrames), spoolFrames); err != nil {
		return fmt.Errorf("restart spool: %w", err)
	}
	p.spoolState, p.refused = spoolState{gen: gen, end: spoolFrames}, false
	return nil
}

// setAside keeps the file under another name and makes a new one.
func (p *Spool) setAside() error {
	old := p.file
	e := &SpoolDamagedError{Kept: fmt.Sprintf("%s.damaged-%x", p.path, p.gen), Records: p.damaged}
	if err := p.reserve(e.Kept); err != nil {
		return fmt.Errorf("replace damaged spool: %w", err)
	}
	return errors.Join(e, old.Close())
}

// reserve puts a new file in place, every block of it written. The old one is
// kept under the name keep, if that is not empty.
func (p *Spool) reserve(keep string) error {
	f, err := os.OpenFile(p.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return full(err)
	}
	gen := newGeneration()
	err = writeBlank(f, gen, p.owner, p.size)
	if err == nil && keep != "" {
		err = os.Rename(p.path, keep)
	}
	if err == nil {
		err = os.Rename(f.Name(), p.path)
	}
	if err != nil {
		return errors.Join(full(err), f.Close(), os.Remove(f.Name()))
	}
	p.file, p.spoolState, p.refused = f, spoolState{gen: gen, end: spoolFrames}, false
	return syncDir(filepath.Dir(p.path))
}
