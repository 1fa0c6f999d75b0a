package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What is refused may be sound: a store can be in the midst of a change. It is
// set aside when it was refused so often and for so long. The spool's file keeps
// count, for processes that end before that.
const (
	refusedTries = 5
	refusedFor   = 5 * time.Minute
)

// refusedSuffix parts the spool's name from that of a generation, in the name of
// a file with what was refused.
const refusedSuffix = ".refused-"

// SpoolRefusedError says that the store refuses a spooled settlement, of a call
// or of a ticket. It is kept in the file Kept; empty: it is tried again first.
type SpoolRefusedError struct {
	Call   CallID
	Ticket TicketID
	Kept   string
	Cause  error
}

func (e *SpoolRefusedError) Error() string {
	of := fmt.Sprintf("call %d", e.Call)
	if e.Call == 0 {
		of = fmt.Sprintf("ticket %d", e.Ticket)
	}
	if e.Kept == "" {
		return fmt.Sprintf("the store refuses a spooled answer of %s, which is tried again for %s: %v", of, refusedFor, e.Cause)
	}
	return fmt.Sprintf("the store refuses a spooled answer of %s, which is kept in %s and tried again at the next start: %v", of, e.Kept, e.Cause)
}

// Unwrap returns the cause.
func (e *SpoolRefusedError) Unwrap() error { return e.Cause }

func refusal(s Spooled, kept string, cause error) *SpoolRefusedError {
	e := &SpoolRefusedError{Kept: kept, Cause: cause}
	if s.Call != nil {
		e.Call = s.Call.Call
	} else {
		e.Ticket = s.Ticket.ID
	}
	return e
}

// passing reports that an error says nothing about the settlement that was
// given: another one would fare no better.
func passing(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, ErrAway) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// aside is what lies beside a spool, refused by its store.
type aside struct {
	n     int
	bytes int64
}

// refuse notes that the settlement at i was refused. It returns the place of the
// one after it, and what is to be told, if anything.
func (p *Spool) refuse(i int, s Spooled, cause error) (next int, told, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, now := &p.live[i], p.now()
	if f.tries == 0 || f.refused.After(now) { // the clock may have been set
		f.refused = now
	}
	f.tries++
	if f.tries < refusedTries || now.Sub(f.refused) < refusedFor {
		if p.file != nil && f.tries <= refusedTries {
			// One that is lost is counted by this process alone.
			_ = markFrame(p.file, *f, refusedSince(f.tries, f.refused))
		}
		if f.told {
			return i + 1, nil, nil
		}
		f.told = true
		return i + 1, refusal(s, "", cause), nil
	}
	kept, err := p.putAside(*f)
	if err != nil {
		return i + 1, nil, fmt.Errorf("set a refused answer aside: %w", err)
	}
	p.aside.n, p.aside.bytes = p.aside.n+1, p.aside.bytes+frameHead+f.length
	return i, refusal(s, kept, cause), p.takeOut(i)
}

// putAside copies a frame into the file of what was refused of this generation,
// at the place that it has here: it is sealed with that.
func (p *Spool) putAside(f spoolFrame) (path string, err error) {
	if p.file == nil {
		return "", os.ErrClosed
	}
	frame := make([]byte, frameHead+f.length)
	if _, err := p.file.ReadAt(frame, f.at); err != nil {
		return "", err
	}
	path = fmt.Sprintf("%s%s%x", p.path, refusedSuffix, p.gen)
	to, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // beside the spool
	if err != nil {
		return "", full(err)
	}
	head := spoolHead(p.gen, p.owner)
	_, err = to.WriteAt(append(head, head...), 0)
	if err == nil {
		_, err = to.WriteAt(frame, f.at)
	}
	if err == nil {
		err = to.Sync()
	}
	if err := errors.Join(full(err), to.Close()); err != nil {
		return "", err
	}
	return path, syncDir(filepath.Dir(path))
}

// refusedFiles lists the files with what was refused.
func (p *Spool) refusedFiles() ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(p.path))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(p.path)+refusedSuffix) {
			all = append(all, filepath.Join(filepath.Dir(p.path), e.Name()))
		}
	}
	return all, nil
}

// readAside reads a file with what was refused. Of another store it holds
// nothing.
func (p *Spool) readAside(path string) (whole []byte, state spoolState, err error) {
	if whole, err = os.ReadFile(path); err != nil { //nolint:gosec // beside the spool
		return nil, state, err
	}
	state, owner, err := readSpool(whole)
	if err != nil {
		return nil, state, fmt.Errorf("%s: %w", path, err)
	}
	if owner != p.owner {
		return nil, spoolState{}, nil
	}
	return whole, state, nil
}

// countAside counts what lies beside the spool. A file that cannot be read
// counts as one: Retry says what is the matter with it.
func (p *Spool) countAside() (a aside) {
	files, err := p.refusedFiles()
	if err != nil {
		return aside{n: 1}
	}
	for _, path := range files {
		_, state, err := p.readAside(path)
		if a.n += state.kept(); err != nil {
			a.n++
		}
		for _, f := range state.live {
			a.bytes += frameHead + f.length
		}
	}
	return a
}

// Retry gives apply what was set aside because the store refused it, and removes
// what is applied now. It returns how much was. It stops where Drain does;
// errors tell of what stays, which is left as it is.
func (p *Spool) Retry(ctx context.Context, apply func(Spooled) error) (n int, err error) {
	p.drain.Lock()
	defer p.drain.Unlock()
	files, err := p.refusedFiles()
	if err != nil {
		return 0, fmt.Errorf("read what was set aside: %w", err)
	}
	var told []error
	for _, path := range files {
		some, err := p.retryFile(ctx, path, apply)
		n += some
		if err != nil {
			told = append(told, err)
		}
		if passing(err) {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aside = p.countAside()
	return n, errors.Join(told...)
}

func (p *Spool) retryFile(ctx context.Context, path string, apply func(Spooled) error) (n int, err error) {
	whole, state, err := p.readAside(path)
	if err != nil || whole == nil {
		return 0, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // beside the spool
	if err != nil {
		return 0, err
	}
	var told []error
	if state.damaged > 0 {
		told = append(told, fmt.Errorf("%s: %d answers in it are damaged: settle their calls by hand", path, state.damaged))
	}
	for _, f := range state.live {
		err := ctx.Err()
		if err == nil {
			err = p.retryFrame(file, f, whole[f.at+frameHead:f.at+frameHead+f.length], apply)
		}
		if err == nil {
			n++
			continue
		}
		if told = append(told, err); passing(err) {
			break
		}
	}
	if err := errors.Join(append(told, file.Sync(), file.Close())...); err != nil {
		return n, err
	}
	return n, errors.Join(os.Remove(path), syncDir(filepath.Dir(path)))
}

func (p *Spool) retryFrame(file *os.File, f spoolFrame, sealed []byte, apply func(Spooled) error) error {
	r, err := p.decode(f, sealed)
	if err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	s := Spooled{Call: r.Call, Ticket: r.Ticket}
	switch err := apply(s); {
	case err == nil:
		return markFrame(file, f, frameApplied)
	case passing(err):
		return err
	default:
		return refusal(s, file.Name(), err)
	}
}
