package store

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// call is the call that it settles; 0: it is of a ticket.
func (r *spoolRecord) call() CallID {
	if r.Call == nil {
		return 0
	}
	return r.Call.Call
}

// SpoolUse is what a spool holds. Bytes of Capacity are filled: what was
// applied counts among them until the spool is empty.
type SpoolUse struct {
	Answers         int // settlements, those that cannot be read among them
	Refused         int // settlements beside these that the store refused: they are set aside
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
	disk   spoolDisk
	drain  sync.Mutex // held by the one Drain
	mu     sync.Mutex // guards what follows
	file   spoolFile
	size   int64
	spoolState
	used  int64 // where the blank rest of the file begins
	tight bool  // a settlement did not fit
	unfit bool  // what is put into the file may not be found again: nothing is, until another one is in place
	aside aside
}

// OpenSpool opens the spool in dir for the store of that id and makes one of
// size bytes where there is none, or an empty one of another size or store; 0
// means SpoolSize. A spool that holds answers for another store is refused
// with *SpoolStoreError: the calls there have the same numbers. So is one whose
// records were sealed with a key that s does not have. Both are left as they
// are.
func OpenSpool(dir string, s *Sealer, id string, size int64) (*Spool, error) {
	return openSpool(systemDisk, dir, s, id, size)
}

func openSpool(disk spoolDisk, dir string, s *Sealer, id string, size int64) (*Spool, error) {
	if size == 0 {
		size = SpoolSize
	}
	p := &Spool{path: filepath.Join(dir, spoolName), sealer: s, owner: ownerOf(id), size: max(size, spoolFrames), now: time.Now, disk: disk}
	whole, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = p.reserve()
	} else if err == nil {
		err = p.open(whole)
	}
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", p.path, err)
	}
	p.aside = p.countAside()
	return p, nil
}

// open takes over a file that is there, and reads all of it once so that a
// missing key is found before anybody relies on the spool.
func (p *Spool) open(whole []byte) (err error) {
	state, owner, err := readSpool(whole)
	if err != nil {
		return err
	}
	p.spoolState, p.used = state, max(spoolFrames, int64(len(bytes.TrimRight(whole, "\x00"))))
	if owner != p.owner && p.kept() > 0 {
		return &SpoolStoreError{Path: p.path, Records: p.kept()}
	}
	for i, f := range p.live {
		r, err := p.decode(f, whole[f.at+frameHead:f.at+frameHead+f.length])
		if err != nil {
			return fmt.Errorf("it holds %d answers and is left as it is: %w", len(p.live), err)
		}
		p.live[i].since, p.live[i].call = r.At, r.call()
	}
	if p.kept() == 0 {
		return p.openEmpty(owner, int64(len(whole)))
	}
	p.size = int64(len(whole))
	return p.openFile()
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

// Has reports whether a settlement of the call may be kept: what cannot be read
// may be of any. One of a ticket is none of the call: its asks wait for the ticket.
func (p *Spool) Has(c CallID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.damaged > 0 || slices.ContainsFunc(p.live, func(f spoolFrame) bool { return f.call == c })
}

// TellTime has the spool note by now when settlements come; without, it is
// time.Now. It is for whoever opened the spool, before others use it.
func (p *Spool) TellTime(now func() time.Time) { p.now = now }

// Use returns what the spool holds.
func (p *Spool) Use() SpoolUse {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := SpoolUse{Answers: p.kept(), Refused: p.aside.n, Bytes: p.end - spoolFrames, Capacity: p.size - spoolFrames}
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
// of the space is left for what is in flight, or something did not fit, or the
// disk is at fault. What was set aside counts: a store that refuses all it is
// given is to be bought no more for.
func (p *Spool) Full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tight || p.unfit || p.size-p.end-p.aside.bytes < (p.size-spoolFrames)/4
}

// Put keeps a settlement. When it returns nil, the settlement is on disk. One
// that is larger than the whole spool is refused and does not make it full.
func (p *Spool) Put(s Spooled) error {
	if (s.Call == nil) == (s.Ticket == nil) {
		return errSpooled
	}
	at := p.now()
	var text bytes.Buffer
	r := spoolRecord{At: at, Call: s.Call, Ticket: s.Ticket}
	if err := gob.NewEncoder(&text).Encode(r); err != nil {
		return fmt.Errorf("spool settlement: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return fmt.Errorf("spool settlement: %w", os.ErrClosed)
	}
	if p.unfit {
		if err := p.reserve(); err != nil {
			return fmt.Errorf("spool settlement: %w", err)
		}
	}
	frame := appendFrame(nil, p.gen, p.sealer.Seal(spoolName, p.end, text.Bytes()))
	if p.end+int64(len(frame)) > p.size {
		p.tight = p.tight || spoolFrames+int64(len(frame)) <= p.size
		return ErrSpoolFull
	}
	p.used = max(p.used, p.end+int64(len(frame)))
	_, err := p.file.WriteAt(frame, p.end)
	if err := errors.Join(err, p.file.Sync()); err != nil {
		return fmt.Errorf("spool settlement: %w", err)
	}
	p.live = append(p.live, spoolFrame{at: p.end, length: int64(len(frame)) - frameHead, call: r.call(), since: at})
	p.end += int64(len(frame))
	return nil
}

// Drain gives apply what is kept, oldest first, and removes what was applied. It
// returns how many were. It stops at an error that says nothing about what was
// given: ErrFull, ErrAway, or the end of a context. Any other is a refusal:
// Drain goes on, and what is refused again and again for refusedFor, by this
// process and those before it, is set aside. A *SpoolRefusedError tells of the
// first refusal in this process, and another one of where it lies then.
//
// A process that ends during Drain may find settlements again that it had
// applied: the store refuses those, so that they do no harm. What Put adds
// meanwhile is left to the next Drain. A *SpoolDamagedError comes once, when
// nothing else is left. Where a fault of the disk left the file unfit, so that
// Put takes nothing, Drain puts another one in its place.
func (p *Spool) Drain(ctx context.Context, apply func(Spooled) error) (n int, err error) {
	p.drain.Lock()
	defer p.drain.Unlock()
	var told []error
	skip := 0 // those that were refused, and are to be tried again
	for left := p.readable(); left > 0; left-- {
		if err := ctx.Err(); err != nil {
			return n, errors.Join(append(told, err)...)
		}
		s, err := p.read(skip)
		if err != nil {
			return n, errors.Join(append(told, err)...)
		}
		err = apply(s)
		switch {
		case err == nil:
			err = p.markApplied(skip)
			n++
		case passing(err):
			return n, errors.Join(append(told, err)...)
		default:
			var word error
			if skip, word, err = p.refuse(skip, s, err); word != nil {
				told = append(told, word)
			}
		}
		if err != nil {
			return n, errors.Join(append(told, fmt.Errorf("drain spool: %w", err))...)
		}
	}
	return n, errors.Join(append(told, p.restart())...)
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

// read reads the settlement at i of those that were not applied. Only Drain
// takes from live, so that it stays there without the lock.
func (p *Spool) read(i int) (Spooled, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return Spooled{}, fmt.Errorf("drain spool: %w", os.ErrClosed)
	}
	f := p.live[i]
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

// markApplied takes out the one at i. It needs no sync: a mark that is lost
// repeats a settlement.
func (p *Spool) markApplied(i int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takeOut(i)
}

// takeOut is markApplied for those who hold the lock.
func (p *Spool) takeOut(i int) error {
	if p.file == nil {
		return os.ErrClosed
	}
	if err := markFrame(p.file, p.live[i], frameApplied); err != nil {
		return err
	}
	p.live = slices.Delete(p.live, i, i+1)
	return nil
}
