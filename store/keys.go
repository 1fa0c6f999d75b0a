package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keySize is the size of every key, in bytes.
const keySize = 32

// Keys are the secrets of a store. Losing Seal loses every answer; losing
// Index loses the knowledge of what was asked already.
type Keys struct {
	Seal    []SealKey // the first one seals, all of them open
	Index   []byte    // keyed hashes; never rotates
	Enqueue []byte    // payloads of systems that enqueue directly
}

// SealKey is a sealing key with the name that each sealed value carries.
type SealKey struct {
	ID  [4]byte
	Key []byte
	// Lists are the keys of lists; nil: it was made before lists had their own,
	// and Key seals what is theirs too.
	Lists *KeyTree
}

// NewKeys makes keys at random.
func NewKeys() Keys {
	return Keys{Seal: []SealKey{newSealKey()}, Index: random(keySize), Enqueue: random(keySize)}
}

func newSealKey() SealKey {
	k := SealKey{Key: random(keySize), Lists: newKeyTree()}
	copy(k.ID[:], random(len(k.ID)))
	return k
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// ParseSealKeys reads "name:key:lists,name:key:lists": a name of 8 hex digits, a
// key of 32 bytes in base64 and a KeyTree, which those made before there were
// any do not have. The sealing one is first.
func ParseSealKeys(text string) ([]SealKey, error) {
	var keys []SealKey
	seen := map[[4]byte]bool{}
	for i, part := range strings.Split(text, ",") {
		name, encoded, ok := strings.Cut(strings.TrimSpace(part), ":")
		id, err := hex.DecodeString(name)
		if !ok || err != nil || len(id) != 4 {
			return nil, fmt.Errorf("read encryption key %d: it must be written as 8 hex digits, a colon and 32 bytes in base64", i+1)
		}
		encoded, lists, own := strings.Cut(encoded, ":")
		k := SealKey{ID: [4]byte(id)}
		if k.Key, err = ParseKey(encoded); err == nil && own {
			k.Lists, err = ParseKeyTree(strings.TrimSpace(lists))
		}
		if err != nil {
			return nil, fmt.Errorf("read encryption key %d: %w", i+1, err)
		}
		if seen[k.ID] {
			return nil, fmt.Errorf("read encryption key %d: the name %s is used twice", i+1, name)
		}
		seen[k.ID] = true
		keys = append(keys, k)
	}
	return keys, nil
}

// ParseKey reads a key of 32 bytes in base64.
func ParseKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, errors.New("it must be 32 bytes in base64")
	}
	return key, nil
}

// FormatSealKeys is the inverse of ParseSealKeys.
func FormatSealKeys(keys []SealKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.Name() + ":" + base64.StdEncoding.EncodeToString(k.Key)
		if k.Lists != nil {
			parts[i] += ":" + k.Lists.String()
		}
	}
	return strings.Join(parts, ",")
}

// Fingerprint identifies a key without telling anything about it.
func Fingerprint(key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("plateq key fingerprint"))
	return hex.EncodeToString(m.Sum(nil)[:8])
}

// keyFileNames name the lines of a key file, which is also what the
// environment variables hold.
const (
	lineSeal    = "PLATEQ_ENCRYPTION_KEYS="
	lineIndex   = "PLATEQ_INDEX_KEY="
	lineEnqueue = "PLATEQ_ENQUEUE_KEY="
)

// OpenKeyFile reads the keys at path and makes them where there is no file.
// The file is readable by its owner only and is synced before it is used. One
// that is there is never replaced: of those who make it at once, all get the
// keys of the one whose file it became.
func OpenKeyFile(path string) (Keys, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKeyFile(path); err != nil {
			return Keys{}, err
		}
		text, err = os.ReadFile(path) //nolint:gosec // the path is the operator's
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read keys: %w", err)
	}
	k, err := parseKeyFile(string(text))
	if err != nil {
		return Keys{}, fmt.Errorf("read keys in %s: %w", path, err)
	}
	return k, nil
}

func parseKeyFile(text string) (k Keys, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, lineSeal); ok {
			k.Seal, err = ParseSealKeys(v)
		} else if v, ok := strings.CutPrefix(line, lineIndex); ok {
			k.Index, err = ParseKey(v)
		} else if v, ok := strings.CutPrefix(line, lineEnqueue); ok {
			k.Enqueue, err = ParseKey(v)
		}
		if err != nil {
			return Keys{}, err
		}
	}
	if len(k.Seal) == 0 || k.Index == nil || k.Enqueue == nil {
		return Keys{}, errors.New("a key is missing: restore the file from a backup, without it the store cannot be read")
	}
	return k, nil
}

// Lines writes the keys as the lines of a key file, which are the environment
// variables of the same names.
func (k Keys) Lines() string {
	return lineSeal + FormatSealKeys(k.Seal) + "\n" +
		lineIndex + base64.StdEncoding.EncodeToString(k.Index) + "\n" +
		lineEnqueue + base64.StdEncoding.EncodeToString(k.Enqueue) + "\n"
}

const keyFileHead = "# Without these keys the store beside this file cannot be read. Keep a copy elsewhere.\n"

func makeKeyFile(path string) error {
	k := NewKeys()
	text := keyFileHead + k.Lines()
	if err := writeSynced(path, []byte(text)); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// writeSynced makes a file that is there whole or not at all, unless there is
// one.
func writeSynced(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // its other name stays
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	// A link, unlike a rename, replaces nothing.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a new name in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the path is the operator's
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
