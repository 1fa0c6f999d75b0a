package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plateq/plateq/store"
)

// watermarkName is the file in the data directory that says how far stores had
// come: a line for each with its id and its last call, and perhaps that it was
// restored. It is no part of a backup of the store, so that an older copy of it
// is recognised.
const watermarkName = "watermark"

const restoredWord = "restored"

// watermarkEvery is how far the file may lag behind the store.
const watermarkEvery = time.Second

// watermark is what the file says of one store.
type watermark struct {
	call     store.CallID
	restored bool
}

type watermarks map[string]watermark

func readWatermarks(dir string) (watermarks, error) {
	all := watermarks{}
	text, err := os.ReadFile(filepath.Join(dir, watermarkName)) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read watermark: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			return nil, fmt.Errorf("read watermark: a line of %s is damaged: remove the file, then plateq check --accept-restore", filepath.Join(dir, watermarkName))
		}
		call, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read watermark: a line of %s is damaged: remove the file, then plateq check --accept-restore", filepath.Join(dir, watermarkName))
		}
		all[words[0]] = watermark{call: store.CallID(call), restored: len(words) > 2 && words[2] == restoredWord}
	}
	return all, nil
}

// setWatermark replaces what the file says of one store. The file is there
// whole, old or new.
func setWatermark(dir, id string, w watermark) error {
	all, err := readWatermarks(dir)
	if err != nil {
		return err
	}
	all[id] = w
	var text strings.Builder
	for id, w := range all {
		fmt.Fprintf(&text, "%s %d", id, w.call)
		if w.restored {
			text.WriteString(" " + restoredWord)
		}
		text.WriteString("\n")
	}
	if err := replaceFile(filepath.Join(dir, watermarkName), text.String()); err != nil {
		return fmt.Errorf("write watermark: %w", err)
	}
	return nil
}

// replaceFile writes a file that is there whole, old or new.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// guarded is a store from which no call starts while it may be an older copy of
// itself. Everything else goes on: polls of known tickets, settlements, lists.
type guarded struct {
	store.Store
	dir  string // of the watermark
	last store.CallID
	held atomic.Pointer[store.OldCopyError]
	// unread is told that something could not be read for want of a key.
	unread chan struct{}
}

// judge compares a store with what the file says of it. strict: a store that
// has made calls and is not known in dir may be an older copy too. It returns
// the last call that is written down in the store, and in the file.
func judge(ctx context.Context, s store.Store, dir string, strict bool) (old *store.OldCopyError, written, seen store.CallID, err error) {
	all, err := readWatermarks(dir) // before the store, which only goes on
	if err != nil {
		return nil, 0, 0, err
	}
	written, given, err := s.LastCall(ctx)
	if err != nil {
		return nil, 0, 0, err
	}
	w, known := all[s.ID()]
	if w.restored || given < w.call || strict && !known && given > 0 {
		old = &store.OldCopyError{Restored: w.restored, Seen: w.call, Has: given}
	}
	if !known {
		w.call = -1
	}
	return old, written, w.call, nil
}

// guard holds a store that may be an older copy, and brings the watermark up to
// one that is not.
func guard(ctx context.Context, s store.Store, dir string, strict bool) (*guarded, error) {
	old, written, seen, err := judge(ctx, s, dir, strict)
	if err != nil {
		return nil, err
	}
	g := &guarded{Store: s, dir: dir, last: written, unread: make(chan struct{}, 1)}
	g.held.Store(old)
	if old == nil && seen < written {
		err = setWatermark(dir, s.ID(), watermark{call: written})
	}
	return g, err
}

// advance brings the watermark up to the store. A store that has gone back
// meanwhile was replaced by an older copy. One goroutine calls it.
func (g *guarded) advance(ctx context.Context) error {
	if g.held.Load() != nil {
		return nil
	}
	written, given, err := g.LastCall(ctx)
	if err != nil {
		return err
	}
	if given < g.last {
		g.held.Store(&store.OldCopyError{Seen: g.last, Has: given})
		return g.held.Load()
	}
	if written == g.last {
		return nil
	}
	if err := setWatermark(g.dir, g.ID(), watermark{call: written}); err != nil {
		return err
	}
	g.last = written
	return nil
}

// err says why no call starts; nil: calls may start.
func (g *guarded) err() error {
	if e := g.held.Load(); e != nil {
		return e
	}
	return nil
}

// Offer implements store.Work: while the store is held there is nothing to ring
// for.
func (g *guarded) Offer(ctx context.Context, r store.OfferRequest) ([]store.ChunkRef, error) {
	if g.err() != nil {
		return nil, nil
	}
	return g.Store.Offer(ctx, r)
}

// Claim implements store.Work; held, it fails with *store.OldCopyError.
func (g *guarded) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	if err := g.err(); err != nil {
		return store.Claim{}, err
	}
	c, err := g.Store.Claim(ctx, r)
	g.noteUnread(err)
	return c, err
}

// ClaimTicket implements store.Work.
func (g *guarded) ClaimTicket(ctx context.Context, r store.TicketClaim) (store.OpenTicket, error) {
	o, err := g.Store.ClaimTicket(ctx, r)
	g.noteUnread(err)
	return o, err
}

func (g *guarded) noteUnread(err error) {
	if _, unread := errors.AsType[*store.SealKeyError](err); !unread {
		return
	}
	select {
	case g.unread <- struct{}{}:
	default: // it is told already
	}
}

// Held says why no paid call starts from this process; nil: calls may start.
func (a *App) Held() error {
	if a.guard == nil {
		return nil
	}
	return heldHint(a.guard.err())
}

func heldHint(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: no paid call starts until plateq check --accept-restore, which says what that means", err)
}

// guardCalls lets no call start from an older copy of the store.
func (a *App) guardCalls(ctx context.Context) (err error) {
	dir := a.dataDir()
	if a.guard, err = guard(ctx, a.store, dir, !a.shared()); err != nil {
		return fmt.Errorf("look for calls that the store does not know: %w", err)
	}
	a.store = a.guard
	if err := a.Held(); err != nil {
		a.log.Error().Err(err).Msg("no paid call starts")
	}
	return nil
}

// OldCopy says why the store is taken for an older copy of itself; nil: it is
// not.
func (a *App) OldCopy(ctx context.Context) error {
	old, _, _, err := judge(ctx, a.store, a.dataDir(), !a.shared())
	if err != nil || old == nil {
		return err
	}
	return heldHint(old)
}

// AcceptRestore takes the store for the newest copy there is: calls may start
// again at the next start.
func (a *App) AcceptRestore(ctx context.Context) error {
	if err := makeDir(a.dataDir()); err != nil {
		return err
	}
	written, _, err := a.store.LastCall(ctx)
	if err != nil {
		return err
	}
	if err := a.acceptTrail(ctx); err != nil {
		return err
	}
	return setWatermark(a.dataDir(), a.store.ID(), watermark{call: written})
}
