package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// saveEvery is how often the embedded Redis writes down what is to outlive it.
const saveEvery = 5 * time.Second

// paceFile keeps the pace of providers: what was learnt of their limits, and
// how many requests of the day are used. It holds no more than names of
// providers and numbers.
type paceFile struct {
	mu   sync.Mutex
	path string // empty: nothing is kept
	last []byte // as written
}

// Remember takes up the pace that a file holds from an earlier time, and keeps
// it there from now on. A file that is not there yet holds nothing.
func (e *Embedded) Remember(path string) error {
	return e.memory.open(path, e.server)
}

func (f *paceFile) open(path string, into *miniredis.Miniredis) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path = path
	body, err := os.ReadFile(path) //nolint:gosec // the caller's own file
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the pace of the last time: %w", err)
	}
	var kept map[string]map[string]string
	if err := json.Unmarshal(body, &kept); err != nil {
		return fmt.Errorf("read the pace of the last time: %w", err)
	}
	for key, fields := range kept {
		if !ofPace(key) {
			continue
		}
		for name, value := range fields {
			into.HSet(key, name, value)
		}
		into.SetTTL(key, keepPace)
	}
	return nil
}

// keepPace is how long a pace is remembered that nobody uses.
const keepPace = 30 * 24 * time.Hour

// ofPace tells the keys that are kept.
func ofPace(key string) bool {
	return strings.HasPrefix(key, "plateq:") && (strings.Contains(key, "}:pace:") || strings.HasSuffix(key, "}:day"))
}

// save writes what has changed.
func (f *paceFile) save(from *miniredis.Miniredis) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	kept := map[string]map[string]string{}
	for _, key := range from.Keys() {
		if !ofPace(key) {
			continue
		}
		fields, err := from.HKeys(key)
		if err != nil {
			continue // it has just expired
		}
		kept[key] = map[string]string{}
		for _, name := range fields {
			kept[key][name] = from.HGet(key, name)
		}
	}
	body, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("write down the pace: %w", err)
	}
	if bytes.Equal(body, f.last) {
		return nil
	}
	next := f.path + ".new"
	if err := errors.Join(os.WriteFile(next, body, 0o600), os.Rename(next, f.path)); err != nil {
		return fmt.Errorf("write down the pace: %w", err)
	}
	f.last = body
	return nil
}
