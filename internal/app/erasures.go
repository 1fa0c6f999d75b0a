package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/store"
)

// erasuresName is the file in the data directory that says who was erased from
// which store, by keyed hashes: a line for each time that somebody was erased
// or allowed again. It is in no backup of the store, so that what was erased is
// erased once more from an older copy of it.
const erasuresName = "erasures"

const (
	erasedWord  = "erased"
	allowedWord = "allowed"
)

// erasureLine is one line of the file.
type erasureLine struct {
	store string // which it was
	id    string // of the erasure
	at    time.Time
	allow bool
	keys  []store.PersonKey
}

func (l erasureLine) String() string {
	word := erasedWord
	if l.allow {
		word = allowedWord
	}
	words := []string{l.store, word, l.id, strconv.FormatInt(l.at.UnixMilli(), 10)}
	for _, k := range l.keys {
		words = append(words, k.String())
	}
	return strings.Join(words, " ")
}

func parseErasureLine(text string) (l erasureLine, err error) {
	words := strings.Fields(text)
	if len(words) < 4 || words[1] != erasedWord && words[1] != allowedWord {
		return l, errors.New("it is not what plateq writes")
	}
	ms, err := strconv.ParseInt(words[3], 10, 64)
	if err != nil {
		return l, errors.New("it has no time")
	}
	l = erasureLine{store: words[0], id: words[2], at: time.UnixMilli(ms).UTC(), allow: words[1] == allowedWord}
	for _, word := range words[4:] {
		key, err := store.ParsePersonKey(word)
		if err != nil {
			return l, err
		}
		l.keys = append(l.keys, key)
	}
	return l, nil
}

// readErasures returns the whole file. One that is damaged is not passed over:
// what it says must be erased.
func readErasures(dir string) ([]erasureLine, error) {
	path := filepath.Join(dir, erasuresName)
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	var all []erasureLine
	for text := range strings.Lines(string(text)) {
		l, err := parseErasureLine(text)
		if err != nil {
			return nil, fmt.Errorf("read erasures: line %d of %s is damaged: %w", len(all)+1, path, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// addErasures adds lines to the file, which is there whole, old or new.
func addErasures(dir string, lines ...erasureLine) error {
	if len(lines) == 0 {
		return nil
	}
	all, err := readErasures(dir)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, l := range append(all, lines...) {
		text.WriteString(l.String() + "\n")
	}
	if err := errors.Join(makeDir(dir), replaceFile(filepath.Join(dir, erasuresName), text.String())); err != nil {
		return fmt.Errorf("write erasures: %w", err)
	}
	return nil
}

// replayErasures erases from the store what was erased before from a newer copy
// of it, and goes on with an erasure that was cut off. Nothing is served and
// nobody is asked until then. What only the store knows, as another machine
// erased it, is added to the file.
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
	ended := map[string]bool{}
	for _, e := range recorded {
		ended[e.ID] = !e.Ended.IsZero()
	}
	for _, e := range erasuresOf(all) {
		if ended[e.ID] {
			continue
		}
		a.log.Warn().Str("erasure", e.ID).Msg("the store is older than an erasure, or that was cut off: it is carried out before anything else")
		if err := a.eraseAgain(ctx, e); err != nil {
			return fmt.Errorf("carry out erasure %s: %w", e.ID, err)
		}
	}
	suppressed, err := a.store.Suppressed(ctx)
	if err != nil {
		return err
	}
	if err := a.suppressAgain(ctx, all, suppressed); err != nil {
		return err
	}
	return addErasures(dir, unknownHere(a.store.ID(), all, recorded, suppressed)...)
}

// erasuresOf gathers the lines of each erasure, in the order in which they began.
func erasuresOf(lines []erasureLine) []store.Erasure {
	var all []store.Erasure
	place := map[string]int{}
	for _, l := range lines {
		if l.allow {
			continue
		}
		i, known := place[l.id]
		if !known {
			i = len(all)
			place[l.id] = i
			all = append(all, store.Erasure{ID: l.id, At: l.at})
		}
		for _, k := range l.keys {
			if !slices.Contains(all[i].Keys, k) {
				all[i].Keys = append(all[i].Keys, k)
			}
		}
	}
	return all
}

func (a *App) eraseAgain(ctx context.Context, e store.Erasure) error {
	e.By, e.Reason, e.Kinds = operator(), "carried out again, at a start", kindsOf(e.Keys)
	if err := a.noteAct(ctx, store.ActErased, store.AllTenants, e.ID, "again, at a start"); err != nil {
		return err
	}
	_, err := store.EraseAll(ctx, a.store, e, a.keepFound(e.ID), func(int) {})
	return err
}

// keepFound adds what is found with somebody to the file, before it is erased.
func (a *App) keepFound(id string) func([]store.PersonKey) error {
	return func(keys []store.PersonKey) error {
		return addErasures(a.dataDir(), erasureLine{store: a.store.ID(), id: id, at: a.now(), keys: keys})
	}
}

// suppressAgain has those suppressed, and only those, of whom the file last says
// that they were erased.
func (a *App) suppressAgain(ctx context.Context, lines []erasureLine, suppressed []store.PersonKey) error {
	last := map[store.PersonKey]bool{} // whether they are allowed
	for _, l := range lines {
		for _, k := range l.keys {
			last[k] = l.allow
		}
	}
	var allow, suppress []store.PersonKey
	for k, allowed := range last {
		switch has := slices.Contains(suppressed, k); {
		case allowed && has:
			allow = append(allow, k)
		case !allowed && !has:
			suppress = append(suppress, k)
		}
	}
	if len(suppress) > 0 {
		if err := a.store.Suppress(ctx, suppress); err != nil {
			return err
		}
	}
	if len(allow) > 0 {
		if _, err := a.store.Allow(ctx, allow); err != nil {
			return err
		}
	}
	return nil
}

// unknownHere are lines for erasures that the file does not know. Which of the
// keys were whose the store does not say, so that each gets all of them.
func unknownHere(id string, lines []erasureLine, recorded []store.Erasure, suppressed []store.PersonKey) []erasureLine {
	known, knownKeys := map[string]bool{}, map[store.PersonKey]bool{}
	for _, l := range lines {
		known[l.id] = true
		for _, k := range l.keys {
			knownKeys[k] = true
		}
	}
	keys := slices.DeleteFunc(slices.Clone(suppressed), func(k store.PersonKey) bool { return knownKeys[k] })
	var fresh []erasureLine
	for _, e := range recorded {
		if !known[e.ID] {
			fresh = append(fresh, erasureLine{store: id, id: e.ID, at: e.At, keys: keys})
		}
	}
	return fresh
}
