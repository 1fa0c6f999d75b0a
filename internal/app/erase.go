package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/store"
)

// PersonKind is by what somebody is known, for those who hold no store.
type PersonKind = store.PersonKind

// Erasure is the record of an erasure, likewise.
type Erasure = store.Erasure

// The kinds by which somebody is known.
const (
	ByPlate  = store.ByPlate
	ByMobile = store.ByMobile
	ByName   = store.ByName
	ByHash   = store.ByHash
)

// Person is what somebody is known by.
type Person struct {
	Kind  PersonKind
	Value string
}

// Erasing is an open store from which somebody is to be erased, or to be told
// what it holds on them.
type Erasing struct {
	a    *App
	keys []store.PersonKey
}

// OpenErasing opens the books of a store in which everything is known of these.
func OpenErasing(ctx context.Context, o Options, who []Person) (e *Erasing, err error) {
	a := &App{opts: o, log: o.Log, now: clock(o), parts: Books}
	e = &Erasing{a: a}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.openBooks(ctx); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.closeTrail)
	for _, p := range who {
		key, err := a.sealer.PersonKey(p.Kind, p.Value)
		if err != nil {
			return nil, Usage(err)
		}
		if !slices.Contains(e.keys, key) {
			e.keys = append(e.keys, key)
		}
	}
	return e, nil
}

// Close gives the store back.
func (e *Erasing) Close() error { return e.a.Close() }

// Search finds what Erase would erase. told hears how many values were seen.
func (e *Erasing) Search(ctx context.Context, told func(seen int)) (store.Traces, error) {
	return store.Search(ctx, e.a.store, e.keys, told)
}

// Erase erases everything that is held on them and keeps it from coming back. It
// can be cut off at any moment: the next start goes on.
func (e *Erasing) Erase(ctx context.Context, why string, told func(seen int)) (store.Erasure, error) {
	a := e.a
	if err := keepable("the reason", why); err != nil {
		return store.Erasure{}, err
	}
	if err := a.unspooled("", ""); err != nil {
		return store.Erasure{}, err
	}
	at, err := a.sayingNow(ctx, e.keys)
	if err != nil {
		return store.Erasure{}, err
	}
	done := store.Erasure{
		ID: "e_" + uuid.NewString(), At: at, By: operator(), Reason: why, Kinds: kindsOf(e.keys), Keys: e.keys,
	}
	// The file first: it brings what is cut off to its end.
	if err := addErasures(a.dataDir(), erasureLine{store: a.store.ID(), id: done.ID, at: done.At, keys: e.keys}); err != nil {
		return done, err
	}
	if err := a.noteAct(ctx, store.ActErased, store.AllTenants, done.ID, ""); err != nil {
		return done, err
	}
	return store.EraseAll(ctx, a.store, done, a.keepFound(done), told)
}

// ErrNoErasure says that there is none of that id.
var ErrNoErasure = errors.New("there is no such erasure: see plateq erase --list")

// Erasure returns the record of an erasure.
func (e *Erasing) Erasure(ctx context.Context, id string) (store.Erasure, error) {
	all, err := e.Erasures(ctx)
	for _, done := range all {
		if done.ID == id {
			return done, nil
		}
	}
	if err == nil {
		err = Usage(ErrNoErasure)
	}
	return store.Erasure{}, err
}

// Allow lets them be collected again, and returns how many of them could not be.
// Why is in the audit log for good, so it must name nobody.
func (e *Erasing) Allow(ctx context.Context, why string) (int, error) {
	a := e.a
	if err := keepable("the reason", why); err != nil {
		return 0, err
	}
	at, err := a.sayingNow(ctx, e.keys)
	if err != nil {
		return 0, err
	}
	n, err := a.allow(ctx, e.keys, at, why)
	if err != nil || n == 0 {
		return n, err
	}
	return n, addErasures(a.dataDir(), erasureLine{store: a.store.ID(), id: asInStore, at: at, allow: true, keys: e.keys})
}

// sayingNow is the time of what is said of keys now.
func (a *App) sayingNow(ctx context.Context, keys []store.PersonKey) (time.Time, error) {
	said, err := a.store.Suppressions(ctx)
	return store.After(a.now(), keys, said), err
}

// Erasures lists what was erased, oldest first.
func (e *Erasing) Erasures(ctx context.Context) ([]store.Erasure, error) {
	return e.a.store.Erasures(ctx)
}

// StoreID names the store.
func (e *Erasing) StoreID() string { return e.a.store.ID() }

func kindsOf(keys []store.PersonKey) []store.PersonKind {
	var kinds []store.PersonKind
	for _, k := range keys {
		if !slices.Contains(kinds, k.Kind) {
			kinds = append(kinds, k.Kind)
		}
	}
	return kinds
}

// Held is a row that is held on somebody, with the list that it is of.
type Held struct {
	List     string          `json:"list"`
	Name     string          `json:"list_name"`
	Purpose  string          `json:"purpose"`
	Tenant   string          `json:"tenant"`
	ListedAt time.Time       `json:"listed_at"`
	Row      json.RawMessage `json:"row"`
}

// Export gives all rows that are held on them, with what was answered and the
// line as it came, in their order, and notes that it did.
func (e *Erasing) Export(ctx context.Context, told func(seen int), give func(Held) error) (store.Traces, error) {
	s := e.a.store
	traces, err := e.Search(ctx, told)
	if err != nil {
		return traces, err
	}
	if err := e.a.noteAct(ctx, store.ActPersonExported, store.AllTenants, "", fmt.Sprintf("%d rows", len(traces.Rows))); err != nil {
		return traces, err
	}
	for rows := traces.Rows; len(rows) > 0; {
		no := store.BatchNo(rows[0] >> 32) //nolint:gosec // built from a BatchNo
		var only []int
		for len(rows) > 0 && store.BatchNo(rows[0]>>32) == no && len(only) < heldPage { //nolint:gosec // built from a BatchNo
			only, rows = append(only, rows[0].Number()), rows[1:]
		}
		b, err := s.BatchByNo(ctx, no)
		if errors.Is(err, store.ErrNoBatch) {
			continue // it was abandoned, and is on its way out
		}
		if err != nil {
			return traces, err
		}
		err = s.Rows(ctx, no, store.RowFilter{Only: only}, func(r store.Row) error {
			row := export.FromStore(b, r, export.Extras{Raw: true, Input: true})
			return give(Held{List: b.ID, Name: b.Name, Purpose: b.Purpose, Tenant: b.Tenant, ListedAt: b.Created, Row: row.AppendJSON(nil)})
		})
		if err != nil {
			return traces, err
		}
	}
	return traces, nil
}

// heldPage is how many rows are read at a time.
const heldPage = 500
