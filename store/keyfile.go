package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Name is how sealed values name the key.
func (k SealKey) Name() string { return hex.EncodeToString(k.ID[:]) }

// NewSealKey makes a sealing key at random.
func NewSealKey() SealKey { return newSealKey() }

// AddSealKey puts a new sealing key in front of the one in a key file. A file
// with several is left as it is: somebody has begun to replace them.
func AddSealKey(path string) error {
	k, err := OpenKeyFile(path)
	if err != nil || len(k.Seal) > 1 {
		return err
	}
	return replaceKeyFile(path, k.NewSealKeys())
}

// RetireKeys takes all sealing keys but the first out of a key file and returns
// their names. They are added to the file retired before: what was copied until
// now can be read with them only.
func RetireKeys(path, retired string) ([]string, error) {
	k, err := OpenKeyFile(path)
	if err != nil || len(k.Seal) == 1 {
		return nil, err
	}
	old := k.Seal[1:]
	if err := keepRetired(retired, old); err != nil {
		return nil, err
	}
	k.Seal = k.Seal[:1]
	if err := replaceKeyFile(path, k); err != nil {
		return nil, err
	}
	names := make([]string, len(old))
	for i := range old {
		names[i] = old[i].Name()
	}
	return names, nil
}

// DestroyLists takes the keys of lists out of a key file and out of the file of
// keys retired before, for ever. whole are the names of keys retired before lists
// had keys of their own: backups that these sealed can be read as long as they
// are there.
func DestroyLists(path, retired string, lists []BatchNo) (whole []string, err error) {
	k, err := OpenKeyFile(path)
	if err != nil {
		return nil, err
	}
	old, err := readRetired(retired)
	if err != nil {
		return nil, err
	}
	for _, key := range old {
		if key.Lists == nil {
			whole = append(whole, key.Name())
		}
	}
	if len(old) > 0 {
		if err := replaceSecret(retired, retiredText(withoutLists(old, lists))); err != nil {
			return nil, err
		}
	}
	k.Seal = withoutLists(k.Seal, lists)
	return whole, replaceKeyFile(path, k)
}

// WithoutLists returns the keys without those of some lists.
func (k Keys) WithoutLists(lists []BatchNo) Keys {
	k.Seal = withoutLists(k.Seal, lists)
	return k
}

func withoutLists(keys []SealKey, lists []BatchNo) []SealKey {
	rest := slices.Clone(keys)
	for i := range rest {
		if rest[i].Lists != nil {
			rest[i].Lists = rest[i].Lists.Without(lists...)
		}
	}
	return rest
}

// readRetired returns the keys in the file of those that seal nothing any more.
func readRetired(path string) ([]SealKey, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read retired keys: %w", err)
	}
	var keys []SealKey
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := ParseSealKeys(line)
		if err != nil {
			return nil, fmt.Errorf("read retired keys in %s: %w", path, err)
		}
		keys = append(keys, key...)
	}
	return keys, nil
}

func retiredText(keys []SealKey) []byte {
	text := []byte("# Backups from before these keys were replaced are sealed with them. Delete the\n# file when there are no such backups any more.\n")
	for _, k := range keys {
		text = append(text, FormatSealKeys([]SealKey{k})+"\n"...)
	}
	return text
}

// keepRetired adds keys to the file of those that seal nothing any more, unless
// they are there.
func keepRetired(path string, keys []SealKey) error {
	old, err := readRetired(path)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !slices.ContainsFunc(old, func(o SealKey) bool { return o.ID == k.ID }) {
			old = append(old, k)
		}
	}
	return replaceSecret(path, retiredText(old))
}

func replaceKeyFile(path string, k Keys) error {
	return replaceSecret(path, []byte(keyFileHead+k.Lines()))
}

// replaceSecret writes a file that is there whole, old or new, for its owner
// only.
func replaceSecret(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write keys: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return syncDir(filepath.Dir(path))
}
