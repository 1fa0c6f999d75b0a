package store_test

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/store"
)

func TestKeyFileIsMadeOnceAndReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	made, err := store.OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v), want 0600", info.Mode(), err)
	}
	again, err := store.OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(made, again); d != "" {
		t.Errorf("keys read again differ (-made +read):\n%s", d)
	}
	other, err := store.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(made.Seal, other.Seal) || cmp.Equal(made.Index, other.Index) || cmp.Equal(made.Enqueue, other.Enqueue) || cmp.Equal(made.Index, made.Enqueue) {
		t.Error("two keys are the same")
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the key file there is %v (%v)", left, err)
	}
}

// Processes that start at once and find no keys must not seal with keys that
// are then lost.
func TestKeyFileIsTheSameForAllWhoMakeIt(t *testing.T) {
	t.Parallel()
	for range 20 {
		path := filepath.Join(t.TempDir(), "keys")
		got := make([]store.Keys, 16)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range got {
			wg.Go(func() {
				<-start
				k, err := store.OpenKeyFile(path)
				if err != nil {
					t.Error(err)
				}
				got[i] = k
			})
		}
		close(start)
		wg.Wait()
		kept, err := store.OpenKeyFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range got {
			if !cmp.Equal(kept, k) {
				t.Fatal("somebody got keys that are not in the file")
			}
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
			t.Fatalf("beside the key file there is %v (%v)", left, err)
		}
	}
}

func TestKeyFileFaultsSayWhatToDo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := store.OpenKeyFile(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	without := func(prefix string) string {
		var kept []string
		for _, l := range lines {
			if !strings.HasPrefix(l, prefix) {
				kept = append(kept, l)
			}
		}
		return strings.Join(kept, "")
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "restore the file from a backup"},
		{"no encryption keys", without("PLATEQ_ENCRYPTION_KEYS"), "restore the file from a backup"},
		{"no index key", without("PLATEQ_INDEX_KEY"), "restore the file from a backup"},
		{"no enqueue key", without("PLATEQ_ENQUEUE_KEY"), "restore the file from a backup"},
		{"torn", string(whole[:len(whole)-9]), "it must be 32 bytes in base64"},
		{"torn encryption keys", strings.SplitAfter(string(whole), ":")[0], "it must be 32 bytes in base64"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.OpenKeyFile(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got error %v, want one with the path and %q", c.name, err, c.want)
		}
		if now, _ := os.ReadFile(path); string(now) != c.text {
			t.Errorf("%s: the file was overwritten", c.name)
		}
	}
}

func TestKeyFileIsReadAsPeopleEditIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	made, err := store.OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := "\n# a note\n  " + strings.ReplaceAll(string(whole), "\n", "\r\n  ")
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := store.OpenKeyFile(path)
	if d := cmp.Diff(made, got); err != nil || d != "" {
		t.Errorf("edited file: error %v, keys differ (-made +read):\n%s", err, d)
	}
}

func TestKeyFileNeedsItsDirectory(t *testing.T) {
	t.Parallel()
	if _, err := store.OpenKeyFile(filepath.Join(t.TempDir(), "none", "keys")); err == nil || !strings.Contains(err.Error(), "write keys") {
		t.Errorf("got error %v, want one about writing keys", err)
	}
	dir := t.TempDir()
	if _, err := store.OpenKeyFile(dir); err == nil || !strings.Contains(err.Error(), "read keys") {
		t.Errorf("a directory as key file: got error %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

func TestSealKeysAreParsedAndFormatted(t *testing.T) {
	t.Parallel()
	a, b := store.NewKeys().Seal[0], store.NewKeys().Seal[0]
	text := store.FormatSealKeys([]store.SealKey{a, b})
	got, err := store.ParseSealKeys(strings.Replace(text, ",", " ,\t", 1))
	if d := cmp.Diff([]store.SealKey{a, b}, got); err != nil || d != "" {
		t.Errorf("error %v, keys differ (-want +got):\n%s", err, d)
	}
	key := base64.StdEncoding.EncodeToString(a.Key)
	const shape, size, twice = "8 hex digits", "32 bytes in base64", "is used twice"
	for _, c := range []struct{ text, want string }{
		{"", "key 1: it must be written as " + shape},
		{key, shape},
		{"0102030:" + key, shape},
		{"010203zz:" + key, shape},
		{"0102030405:" + key, shape},
		{"01020304:", size},
		{"01020304:" + key[:40], size},
		{"01020304:" + key + "AAAA", size},
		{"01020304:" + key + ",", "key 2"},
		{"01020304:" + key + ",05060708", "key 2"},
		{"0102030a:" + key + ",0102030A:" + key, twice},
	} {
		_, err := store.ParseSealKeys(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20s…: got error %v, want %q", c.text, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), key[:20]) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

func TestFingerprintTellsKeysApart(t *testing.T) {
	t.Parallel()
	a, b := store.NewKeys().Index, store.NewKeys().Index
	if same := bytes.Clone(a); store.Fingerprint(a) != store.Fingerprint(same) || store.Fingerprint(a) == store.Fingerprint(b) {
		t.Error("a fingerprint does not stand for its key")
	}
	if len(store.Fingerprint(a)) != 16 {
		t.Errorf("fingerprint %s is of %d digits, want 16", store.Fingerprint(a), len(store.Fingerprint(a)))
	}
}

// FuzzOpenKeyFile feeds files that people may have broken: they are refused,
// or give keys of which a sealer can be made, and stay as they are.
func FuzzOpenKeyFile(f *testing.F) {
	k := fixedKeys()
	good := "PLATEQ_ENCRYPTION_KEYS=" + store.FormatSealKeys(k.Seal) +
		"\nPLATEQ_INDEX_KEY=" + base64.StdEncoding.EncodeToString(k.Index) +
		"\nPLATEQ_ENQUEUE_KEY=" + base64.StdEncoding.EncodeToString(k.Enqueue) + "\n"
	f.Add(good)
	f.Add(good + good)
	f.Add(good[:len(good)/2])
	f.Add("PLATEQ_ENCRYPTION_KEYS=\x00:,:")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := store.OpenKeyFile(path)
		if err == nil {
			newSealer(t, k)
		}
		if now, err := fs.ReadFile(os.DirFS(filepath.Dir(path)), "keys"); err != nil || string(now) != text {
			t.Errorf("the file was changed: %v", err)
		}
	})
}
