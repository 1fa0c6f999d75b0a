package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/plateq/plateq/store"
)

// DestroyRequest chooses the lists whose keys are to be destroyed.
type DestroyRequest struct {
	// Lists are ids. Without any, all lists of Tenant that were taken in in the
	// month of Month, in UTC, are meant.
	Lists  []string
	Tenant string
	Month  time.Time
	Reason string
	// Force destroys what is still worked on too.
	Force bool
	// Agreed is asked before anything is destroyed, with how many lists and rows
	// there are; false: nothing is.
	Agreed func(lists, rows int) bool
}

// Destroyed is what DestroyLists did.
type Destroyed struct {
	Lists, Rows int
	// Already are those of the lists whose keys were gone before.
	Already int
	// Keys is what PLATEQ_ENCRYPTION_KEYS must be from now on; empty: the keys are
	// in the data directory, and it is done.
	Keys string
	// Whole are the names of retired keys that still open old backups of the lists.
	Whole []string
}

// ErrNotAgreed says that a person did not want it after all.
var ErrNotAgreed = errors.New("nothing was destroyed")

// DestroyLists destroys the keys of lists: nobody can read what is stored of
// them any more, neither here nor in backups.
func DestroyLists(ctx context.Context, o Options, r DestroyRequest) (d Destroyed, err error) {
	if err := r.keepable(); err != nil {
		return d, err
	}
	a := &App{opts: o, log: o.Log, now: clock(o), parts: Books}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.openBooks(ctx); err != nil {
		return d, err
	}
	a.closers = append(a.closers, a.closeTrail)
	keys, given, err := o.Config.Keys()
	if err == nil && !given {
		keys, err = store.OpenKeyFile(filepath.Join(a.dataDir(), "keys"))
	}
	if err != nil {
		return d, Usage(err)
	}
	if keys.Seal[0].Lists == nil || len(keys.Seal) > 1 {
		return d, Usage(errors.New("not everything is sealed with keys of lists: plateq secrets rotate first, and take the old key away"))
	}
	if err := a.unspooled("", ""); err != nil {
		return d, err
	}
	lists, err := a.chosen(ctx, r)
	if err != nil {
		return d, err
	}
	var numbers []store.BatchNo
	for _, b := range lists {
		if !keys.Seal[0].Lists.Has(b.No) {
			d.Already++
			continue
		}
		if !r.Force && b.State != store.BatchDone && b.State != store.BatchCancelled {
			return d, Usage(fmt.Errorf("list %s is %s: wait until it is done, cancel it, or use --force, which loses what is not answered yet", b.ID, b.State))
		}
		numbers, d.Rows = append(numbers, b.No), d.Rows+b.Rows
	}
	if d.Lists = len(numbers); d.Lists == 0 {
		return d, nil
	}
	if !r.Agreed(d.Lists, d.Rows) {
		return d, &ExitError{Code: ExitInterrupted, Err: ErrNotAgreed}
	}
	if err := a.noteDestroyed(ctx, r, d); err != nil {
		return d, err
	}
	if given {
		d.Keys = store.FormatSealKeys(keys.WithoutLists(numbers).Seal)
		return d, nil
	}
	d.Whole, err = store.DestroyLists(filepath.Join(a.dataDir(), "keys"), filepath.Join(a.dataDir(), "keys.retired"), numbers)
	return d, err
}

// keepable refuses what no store could look for, or keep as a reason.
func (r DestroyRequest) keepable() error {
	err := errors.Join(keepable("the reason", r.Reason), keepable("the name of the tenant", r.Tenant))
	for _, id := range r.Lists {
		err = errors.Join(err, keepable("the id of a list", id))
	}
	if err != nil {
		return Usage(err)
	}
	return nil
}

func (a *App) noteDestroyed(ctx context.Context, r DestroyRequest, d Destroyed) error {
	tenant, about := r.Tenant, fmt.Sprintf("%d lists of %s", d.Lists, r.Month.Format("2006-01"))
	if len(r.Lists) > 0 {
		tenant, about = store.AllTenants, fmt.Sprintf("%d lists", d.Lists)
	}
	if len(r.Lists) == 1 {
		about = r.Lists[0]
	}
	return a.noteAct(ctx, store.ActListsDestroyed, tenant, about, r.Reason)
}

// chosenPage is how many lists are looked at in one go.
const chosenPage = 1000

// chosen returns the lists that are meant.
func (a *App) chosen(ctx context.Context, r DestroyRequest) (all []store.Batch, err error) {
	for _, id := range r.Lists {
		b, err := a.store.Batch(ctx, id)
		if err != nil {
			return nil, Usage(fmt.Errorf("list %s: %w", id, err))
		}
		all = append(all, b)
	}
	if len(r.Lists) > 0 {
		return all, nil
	}
	f := store.BatchFilter{Tenant: r.Tenant, From: r.Month, To: r.Month.AddDate(0, 1, 0), Limit: chosenPage}
	for {
		page, err := a.store.Batches(ctx, f)
		all = append(all, page...)
		if err != nil || len(page) < chosenPage {
			return all, err
		}
		f.Before = page[len(page)-1].No
	}
}
