package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// keepRetired adds keys to the file of those that seal nothing any more, unless
// they are there.
func keepRetired(path string, keys []SealKey) error {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = []byte("# Backups from before these keys were replaced are sealed with them. Delete the\n# file when there are no such backups any more.\n")
	case err != nil:
		return fmt.Errorf("read retired keys: %w", err)
	}
	for _, k := range keys {
		if line := FormatSealKeys([]SealKey{k}) + "\n"; !bytes.Contains(text, []byte(line)) {
			text = append(text, line...)
		}
	}
	return replaceSecret(path, text)
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
