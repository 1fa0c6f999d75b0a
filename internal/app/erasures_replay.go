package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plateq/plateq/store"
)

// replayErasures erases from the store what was erased before from a newer copy
// of it, and goes on with an erasure that was cut off. Nothing is served and
// nobody is asked until then. What the store knows already is left as the store
// has it: another machine may have said something since. What only the store
// knows is added to the file.
func (a *App) replayErasures(ctx context.Context) error {
	dir := a.dataDir()
	all, err := readErasures(dir)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(l erasureLine) bool { return l.store != a.store.ID() })
	recorded, err := a.store.Erasures(ctx)
	if err != nil {
		return err
	}
	for _, e := range erasuresOf(all) {
		known := slices.IndexFunc(recorded, func(r store.Erasure) bool { return r.ID == e.ID })
		if known >= 0 && !recorded[known].Ended.IsZero() {
			continue
		}
		if err := a.eraseAgain(ctx, e, known >= 0); err != nil {
			return fmt.Errorf("carry out erasure %s: %w", e.ID, err)
		}
	}
	if err := a.allowAgain(ctx, all); err != nil {
		return err
	}
	said, err := a.store.Suppressions(ctx)
	if err != nil {
		return err
	}
	return addErasures(dir, unknownHere(a.store.ID(), all, recorded, said)...)
}

// replay is an erasure as the file has it.
type replay struct {
	store.Erasure
	// since is when each of its keys was suppressed: those found with somebody may
	// be so later than it began.
	since map[store.PersonKey]time.Time
}

// erasuresOf gathers the lines of each erasure, in the order in which they began.
func erasuresOf(lines []erasureLine) []replay {
	var all []replay
	place := map[string]int{}
	for _, l := range lines {
		if l.allow {
			continue
		}
		i, known := place[l.id]
		if !known {
			i = len(all)
			place[l.id] = i
			all = append(all, replay{Erasure: store.Erasure{ID: l.id, At: l.at, Again: true}, since: map[store.PersonKey]time.Time{}})
		}
		for _, k := range l.keys {
			all[i].add(k, l.at)
		}
	}
	return all
}

func (e *replay) add(k store.PersonKey, at time.Time) {
	since, has := e.since[k]
	if !has {
		e.Keys = append(e.Keys, k)
	}
	if !has || at.After(since) {
		e.since[k] = at
	}
}

// left takes out who was allowed since. Who is suppressed by its time was found
// by it, on whatever machine.
func (e *replay) left(said []store.Suppression) {
	for _, s := range said {
		if !s.Allowed && s.At.Equal(e.At) {
			e.add(s.Key, s.At)
		}
	}
	e.Keys = slices.DeleteFunc(e.Keys, func(k store.PersonKey) bool { return store.AllowedSince(e.since[k], k, said) })
}

// eraseAgain carries an erasure out for those of whom nothing else was said
// since, and ends one that is on record and of which nobody is left.
func (a *App) eraseAgain(ctx context.Context, e replay, recorded bool) error {
	said, err := a.store.Suppressions(ctx)
	if err != nil {
		return err
	}
	if e.left(said); len(e.Keys) == 0 {
		if recorded {
			a.log.Warn().Str("erasure", e.ID).Msg("an erasure was cut off, and all whom it was of were allowed since: it has ended")
			_, err = a.store.EndErasure(ctx, e.Erasure)
		}
		return err
	}
	a.log.Warn().Str("erasure", e.ID).Msg("the store is older than an erasure, or that was cut off: it is carried out before anything else")
	e.By, e.Reason, e.Kinds = operator(), "carried out again, at a start", kindsOf(e.Keys)
	if err := a.noteAct(ctx, store.ActErased, store.AllTenants, e.ID, "again, at a start"); err != nil {
		return err
	}
	for _, k := range e.Keys {
		if at := e.since[k]; at.After(e.At) {
			if err := a.store.Suppress(ctx, []store.PersonKey{k}, at); err != nil {
				return err
			}
		}
	}
	_, err = store.EraseAll(ctx, a.store, e.Erasure, a.keepFound(e.Erasure), func(int) {})
	return err
}

// keepFound adds what is found with somebody to the file, before it is erased.
func (a *App) keepFound(e store.Erasure) func([]store.PersonKey, time.Time) error {
	return func(keys []store.PersonKey, at time.Time) error {
		return addErasures(a.dataDir(), erasureLine{store: a.store.ID(), id: e.ID, at: at, keys: keys})
	}
}

// allowAgain allows those who are suppressed in an older copy of the store, and
// were allowed later.
func (a *App) allowAgain(ctx context.Context, lines []erasureLine) error {
	said, err := a.store.Suppressions(ctx)
	if err != nil {
		return err
	}
	since := map[store.PersonKey]time.Time{}
	for _, s := range said {
		if !s.Allowed {
			since[s.Key] = s.At
		}
	}
	for _, l := range lines {
		if !l.allow || l.id == byItsClock {
			continue
		}
		keys := slices.DeleteFunc(slices.Clone(l.keys), func(k store.PersonKey) bool {
			at, suppressed := since[k]
			return !suppressed || !at.Before(l.at)
		})
		if len(keys) == 0 {
			continue
		}
		a.log.Warn().Int("values", len(keys)).Msg("the store is older than an allowance: who was erased before that may be collected again")
		if _, err := a.allow(ctx, keys, l.at, "again, at a start"); err != nil {
			return err
		}
	}
	return nil
}

// allow allows keys as of a time, and notes why. It returns how many of them were
// suppressed.
func (a *App) allow(ctx context.Context, keys []store.PersonKey, at time.Time, why string) (int, error) {
	n, err := a.store.Allow(ctx, keys, at)
	if err != nil || n == 0 {
		return n, err
	}
	return n, a.noteAct(ctx, store.ActAllowed, store.AllTenants, fmt.Sprintf("%d values", n), why)
}

// unknownHere are lines for what the store knows and the file does not.
func unknownHere(id string, lines []erasureLine, recorded []store.Erasure, said []store.Suppression) []erasureLine {
	f := learner{id: id, last: map[store.PersonKey]erasureLine{}, known: map[string]bool{}, has: map[string]map[store.PersonKey]time.Time{}}
	for _, l := range lines {
		f.read(l)
	}
	for _, e := range recorded {
		if !f.known[e.ID] {
			f.fresh = append(f.fresh, erasureLine{store: id, id: e.ID, at: e.At})
		}
	}
	for _, s := range said {
		f.learn(s, recorded)
	}
	return f.fresh
}

// learner adds what a store says to what a file does.
type learner struct {
	id    string
	known map[string]bool                          // erasures, by id
	has   map[string]map[store.PersonKey]time.Time // what they were of, and since when
	last  map[store.PersonKey]erasureLine          // what was said last
	fresh []erasureLine
}

func (f *learner) read(l erasureLine) {
	for _, k := range l.keys {
		if last, has := f.last[k]; !has || l.at.After(last.at) || l.at.Equal(last.at) && !l.allow {
			f.last[k] = l
		}
	}
	if l.allow {
		return
	}
	f.known[l.id] = true
	if f.has[l.id] == nil {
		f.has[l.id] = map[store.PersonKey]time.Time{}
	}
	for _, k := range l.keys {
		if at := f.has[l.id][k]; l.at.After(at) {
			f.has[l.id][k] = l.at
		}
	}
}

// learn adds a key of which the file says something else, or nothing as late.
func (f *learner) learn(s store.Suppression, recorded []store.Erasure) {
	last, has := f.last[s.Key]
	if has && !last.at.Before(s.At) && (s.Allowed || !last.allow) {
		return
	}
	if !s.Allowed || !has {
		f.add(s, recorded)
	}
	if s.Allowed {
		f.fresh = append(f.fresh, erasureLine{store: f.id, id: asInStore, at: s.At, allow: true, keys: []store.PersonKey{s.Key}})
	}
}

// add adds a key to the erasure that suppressed it.
func (f *learner) add(s store.Suppression, recorded []store.Erasure) {
	for _, e := range f.suppressing(s, recorded) {
		at := e.At
		if !s.Allowed && s.At.After(at) {
			at = s.At // it was found with somebody, and said to be allowed by a clock that is ahead
		}
		if since, has := f.has[e.ID][s.Key]; has && !since.Before(store.Millis(at)) {
			continue
		}
		if i := slices.IndexFunc(f.fresh, func(l erasureLine) bool { return l.id == e.ID && l.at.Equal(at) }); i >= 0 {
			f.fresh[i].keys = append(f.fresh[i].keys, s.Key)
			continue
		}
		f.fresh = append(f.fresh, erasureLine{store: f.id, id: e.ID, at: at, keys: []store.PersonKey{s.Key}})
	}
}

// suppressing are the erasures that may have suppressed a key. Where the store
// does not say which that was, it is each that the file does not know, else the
// last. Who was allowed was erased before that.
func (f *learner) suppressing(s store.Suppression, recorded []store.Erasure) []store.Erasure {
	which := func(of []store.Erasure, is func(store.Erasure) bool) []store.Erasure {
		return slices.DeleteFunc(slices.Clone(of), func(e store.Erasure) bool { return !is(e) })
	}
	if s.Allowed {
		recorded = which(recorded, func(e store.Erasure) bool { return e.At.Before(s.At) })
	} else if of := which(recorded, func(e store.Erasure) bool { return e.At.Equal(s.At) }); len(of) > 0 {
		return of
	}
	if of := which(recorded, func(e store.Erasure) bool { return !f.known[e.ID] }); len(of) > 0 {
		return of
	}
	return recorded[max(0, len(recorded)-1):]
}
