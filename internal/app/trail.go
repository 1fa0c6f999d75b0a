package app

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/store"
)

// trailName is the file in the data directory that says how far audit logs had
// come: a line for each store with its id and the head. It is in no backup of
// the store, so that whoever cuts the log off has to change it as well.
const trailName = "audit-head"

// trailEvery is how far the file may lag behind the store.
const trailEvery = time.Second

// readHeads returns what the file in dir says, by store.
func readHeads(dir string) (map[string]store.ActHead, error) {
	heads := map[string]store.ActHead{}
	text, err := os.ReadFile(filepath.Join(dir, trailName)) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return heads, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the audit log goes: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		id, head, _ := strings.Cut(strings.TrimSpace(line), " ")
		if heads[id], err = store.ParseActHead(head); err != nil {
			return nil, fmt.Errorf("read how far the audit log goes: a line of %s is damaged: %w", filepath.Join(dir, trailName), err)
		}
	}
	return heads, nil
}

func setHead(dir, id string, head store.ActHead) error {
	heads, err := readHeads(dir)
	if err != nil {
		return err
	}
	heads[id] = head
	var text strings.Builder
	for id, h := range heads {
		fmt.Fprintf(&text, "%s %s\n", id, h)
	}
	if err := replaceFile(filepath.Join(dir, trailName), text.String()); err != nil {
		return fmt.Errorf("write how far the audit log goes: %w", err)
	}
	return nil
}

// keepHead brings the file up to the store. A log that does not go on from
// where the file says it was is left to plateq audit verify.
func (a *App) keepHead(ctx context.Context) error {
	dir := a.dataDir()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && a.parts&(Server|Worker) == 0 {
		return nil // a command that looks leaves nothing behind
	}
	head, err := a.store.LastAct(ctx)
	if err != nil || head.No == a.headKept {
		return err
	}
	heads, err := readHeads(dir)
	if err != nil {
		return err
	}
	if known := heads[a.store.ID()]; known.No > 0 {
		acts, err := a.store.Acts(ctx, store.ActFilter{Before: known.No + 1, Limit: 1})
		if err != nil {
			return err
		}
		if len(acts) == 0 || acts[0].No != known.No || !hmac.Equal(acts[0].Hash, known.Hash) {
			return fmt.Errorf("the audit log does not go on from act %d, where it was: see plateq audit verify", known.No)
		}
	}
	if err := errors.Join(makeDir(dir), setHead(dir, a.store.ID(), head)); err != nil {
		return err
	}
	a.headKept = head.No
	return nil
}

// closeTrail is keepHead for the end of the process, which a store that is away
// does not hold up.
func (a *App) closeTrail() error {
	ctx, cancel := context.WithTimeout(context.Background(), trailEvery)
	defer cancel()
	if err := a.keepHead(ctx); err != nil {
		a.log.Warn().Err(err).Msg("write down how far the audit log goes")
	}
	return nil
}

// actHeads returns how far this process knows the log to have gone.
func (a *App) actHeads() ([]store.ActHead, error) {
	heads, err := readHeads(a.dataDir())
	return []store.ActHead{heads[a.store.ID()]}, err
}

// operator names who runs this process, as the audit log has them.
func operator() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "user " + u.Username
	}
	return "user " + strconv.Itoa(os.Getuid())
}

// noteAct notes what whoever runs this process does themselves.
func (a *App) noteAct(ctx context.Context, kind store.ActKind, tenant, about, note string) error {
	if _, err := a.store.NoteAct(ctx, store.Act{Who: operator(), Kind: kind, Tenant: tenant, About: about, Note: note}); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// noteRun notes that the rows of a run are written to a file.
func (a *App) noteRun(ctx context.Context, b store.Batch, o export.Options) error {
	return a.noteAct(ctx, store.ActRowsExported, b.Tenant, b.ID, fmt.Sprintf("run, %s, %d rows", o.Format, b.Rows))
}

// acceptTrail takes the audit log for the newest there is, and says in it how
// far it is known to have gone.
func (a *App) acceptTrail(ctx context.Context) error {
	heads, err := readHeads(a.dataDir())
	if err != nil {
		return err
	}
	if err := a.noteAct(ctx, store.ActRestoreAccepted, store.AllTenants, "", "known until then "+heads[a.store.ID()].String()); err != nil {
		return err
	}
	head, err := a.store.LastAct(ctx)
	if err != nil {
		return err
	}
	return setHead(a.dataDir(), a.store.ID(), head)
}
