package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// What stands in the place of an id in a line that somebody is allowed again.
const (
	// asInStore: its time is the one that the store has it by.
	asInStore = "a"
	// byItsClock is what older versions wrote: the time is that of the machine.
	// Such a line undoes nothing, as what it came before cannot be told.
	byItsClock = "-"
)

// erasureLine is one line of the file. Its time is the one that the store has
// what was said by, so that the words of all machines have one order.
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
