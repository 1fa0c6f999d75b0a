package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// smallSpool holds a few dozen of the settlements below.
const smallSpool = 64 << 10

// storeID is the store to which the spools belong.
const storeID = "s_one"

func newSealer(t testing.TB, k store.Keys) *store.Sealer {
	t.Helper()
	s, err := store.NewSealer(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openSpool(t testing.TB, dir string, s *store.Sealer) *store.Spool {
	t.Helper()
	p, err := store.OpenSpool(dir, s, storeID, smallSpool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// spooled is a settlement that is told apart by n and has every field in use.
func spooled(n int) store.Spooled {
	at := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	answer := &store.Answer{At: at, Result: json.RawMessage(`{"contact":"<canary-phone>"}`), Raw: json.RawMessage("not { json \xff\n")}
	failure := &store.Answer{At: at, Failure: &store.Failure{Class: store.ClassProviderError, Code: "5001", Message: "canary-message"}}
	gates := store.GateChanges{
		Close: []store.GateClose{{Scope: "attestr", Class: providers.RateLimited, Until: at, Probe: true, Strikes: 2}}, Open: []string{"attestr/items"},
	}
	if n%2 == 1 {
		return store.Spooled{Ticket: &store.TicketSettlement{
			ID: store.TicketID(n), Lease: 7, Handle: providers.Ticket{ID: "canary-ticket", Number: "N", Cursor: []byte{0, 255, 10}},
			Verdicts: []store.Verdict{{Ask: 5, To: store.NotFound, Answer: &store.Answer{}}, {Ask: 6, To: store.Failed, Answer: failure}},
			Hold:     true, Due: at, Interval: time.Minute, Expire: true, Gates: gates,
		}}
	}
	return store.Spooled{Call: &store.Settlement{
		Call: store.CallID(n), Verdicts: []store.Verdict{{Ask: 5, To: store.Found, Answer: answer, Counted: true}, {Ask: 6, To: store.Waiting, Ticket: 1}},
		Rest:    &store.Verdict{To: store.Queued, Died: true},
		Tickets: []store.NewTicket{{Handle: providers.Ticket{ID: "canary-ticket"}, Due: at, Deadline: at, Interval: time.Second}},
		Ready:   at, Part: -1, Note: []byte("canary-note"), Class: "ambiguous", Code: "http_502", Gates: gates,
	}}
}

func put(t testing.TB, p *store.Spool, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := p.Put(spooled(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// drained drains all and expects settlements from to to, in order.
func drained(t testing.TB, p *store.Spool, from, to int) {
	t.Helper()
	var got []store.Spooled
	n, err := p.Drain(t.Context(), func(s store.Spooled) error {
		got = append(got, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var want []store.Spooled
	for i := from; i < to; i++ {
		want = append(want, spooled(i))
	}
	if d := cmp.Diff(want, got); d != "" || n != len(want) {
		t.Errorf("drained %d of %d (-want +got):\n%s", n, len(want), d)
	}
}

func TestSpoolKeepsSettlementsInOrder(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	put(t, p, 0, 5)
	drained(t, p, 0, 5)
	drained(t, p, 0, 0)
	put(t, p, 5, 8)
	p.Close()
	p = openSpool(t, dir, s)
	if p.Len() != 3 || p.Torn() {
		t.Errorf("after opening again: %d settlements, torn %t, want 3 and false", p.Len(), p.Torn())
	}
	put(t, p, 8, 9)
	drained(t, p, 5, 9)
	p.Close()
	if p = openSpool(t, dir, s); p.Len() != 0 {
		t.Errorf("%d settlements came back after they were drained", p.Len())
	}
}

func TestSpoolStopsDrainingAtAnError(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	put(t, p, 0, 4)
	away, calls := store.ErrAway, 0
	n, err := p.Drain(t.Context(), func(store.Spooled) error {
		if calls++; calls == 3 {
			return away
		}
		return nil
	})
	if n != 2 || !errors.Is(err, away) || p.Len() != 2 {
		t.Errorf("drained %d with error %v, %d are left; want 2, away, 2", n, err, p.Len())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Drain(ctx, func(store.Spooled) error { t.Error("applied after the end"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want cancelled", err)
	}
	p.Close()
	drained(t, openSpool(t, dir, s), 2, 4)
}

func TestSpoolRepeatsWhatACrashCutOff(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	put(t, p, 0, 3)
	crash := filepath.Join(dir, "crash")
	if err := os.Mkdir(crash, 0o700); err != nil {
		t.Fatal(err)
	}
	calls := 0
	_, err := p.Drain(t.Context(), func(store.Spooled) error {
		if calls++; calls == 2 {
			// What the disk holds while the second is applied and not yet marked.
			return os.WriteFile(filepath.Join(crash, "spool"), spoolBytes(t, dir), 0o600)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	drained(t, openSpool(t, crash, s), 1, 3)
}

func spoolBytes(t testing.TB, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeSpool(t testing.TB, dir string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "spool"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolReservesItsSpace(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	put(t, p, 0, 9)
	if n := len(spoolBytes(t, dir)); n != smallSpool {
		t.Errorf("the file has %d bytes, want %d from the beginning", n, smallSpool)
	}
	info, err := os.Stat(filepath.Join(dir, "spool"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v), want 0600", info.Mode(), err)
	}
	p.Close()
	for size, want := range map[int64]int{2 * smallSpool: smallSpool, 0: smallSpool} {
		p, err := store.OpenSpool(dir, s, storeID, size)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(spoolBytes(t, dir)); n != want {
			t.Errorf("opened with size %d while it holds answers: %d bytes, want %d", size, n, want)
		}
		p.Close()
	}
	p = openSpool(t, dir, s)
	drained(t, p, 0, 9)
	p.Close()
	if p, err = store.OpenSpool(dir, s, storeID, 2*smallSpool); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if n := len(spoolBytes(t, dir)); n != 2*smallSpool {
		t.Errorf("opened with another size while empty: %d bytes, want %d", n, 2*smallSpool)
	}
}

func TestSpoolSaysWhenItIsFull(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	if p.Full() {
		t.Error("an empty spool is full")
	}
	n := 0
	for ; !p.Full(); n++ {
		put(t, p, n, n+1)
	}
	put(t, p, n, n+1) // what is in flight still fits
	n++
	var err error
	for ; err == nil; n++ {
		err = p.Put(spooled(n))
	}
	n--
	if !errors.Is(err, store.ErrSpoolFull) || !p.Full() {
		t.Errorf("got error %v, full %t; want ErrSpoolFull and true", err, p.Full())
	}
	drained(t, p, 0, n)
	if p.Full() {
		t.Error("a drained spool is full")
	}
	huge := spooled(0)
	huge.Call.Note = bytes.Repeat([]byte("x"), smallSpool)
	if err := p.Put(huge); !errors.Is(err, store.ErrSpoolFull) || p.Full() {
		t.Errorf("a settlement larger than the spool: error %v, full %t, want ErrSpoolFull and false", err, p.Full())
	}
	p.Close()
	p = openSpool(t, dir, s)
	if p.Full() || p.Len() != 0 {
		t.Errorf("after opening again: full %t, %d settlements", p.Full(), p.Len())
	}
	put(t, p, 0, 1)
	if err := p.Put(huge); !errors.Is(err, store.ErrSpoolFull) || p.Full() {
		t.Errorf("a huge settlement beside another: error %v, full %t", err, p.Full())
	}
	drained(t, p, 0, 1)
}

// A process may end when all is applied and before the file was begun anew.
func TestSpoolThatWasEmptiedIsNotFull(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	n := 0
	for ; !p.Full(); n++ {
		put(t, p, n, n+1)
	}
	crash := t.TempDir()
	writeSpool(t, crash, applied(spoolBytes(t, dir)))
	p = openSpool(t, crash, s)
	if p.Len() != 0 || p.Full() {
		t.Errorf("%d settlements, full %t, want none and false", p.Len(), p.Full())
	}
	put(t, p, 0, n-1)
	p.Close()
	drained(t, openSpool(t, crash, s), 0, n-1)
}

// applied marks every record as applied.
func applied(b []byte) []byte {
	gen := bytes.Clone(b[16:24])
	for at := 8192; ; {
		next := bytes.Index(b[at:], gen)
		if next < 0 {
			return b
		}
		at += next + len(gen)
		copy(b[at:], []byte{0x0a, 0x99, 0x1e, 0xd0})
	}
}

func TestSpoolRefusesAnotherStoresAnswers(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	put(t, p, 0, 3)
	p.Close()
	before := spoolBytes(t, dir)
	_, err := store.OpenSpool(dir, s, "s_other", smallSpool)
	other, ok := errors.AsType[*store.SpoolStoreError](err)
	if !ok || other.Records != 3 || other.Path != filepath.Join(dir, "spool") {
		t.Errorf("got error %v, want the spool to be another store's", err)
	}
	if !bytes.Equal(before, spoolBytes(t, dir)) {
		t.Error("the file was changed")
	}
	drained(t, openSpool(t, dir, s), 0, 3)

	p, err = store.OpenSpool(dir, s, "s_other", smallSpool)
	if err != nil {
		t.Fatalf("take an empty spool over: %v", err)
	}
	put(t, p, 0, 1)
	p.Close()
	if _, err = store.OpenSpool(dir, s, storeID, smallSpool); err == nil {
		t.Error("the spool is still the first store's")
	}
}

func TestSpoolToleratesATornRecord(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	put(t, p, 0, 2)
	before := spoolBytes(t, dir)
	put(t, p, 2, 3)
	p.Close()
	after := spoolBytes(t, dir)
	first, last := diffRange(before, after)
	for cut := first + 1; cut < last; cut += 97 {
		torn := append(bytes.Clone(after[:cut]), before[cut:]...)
		writeSpool(t, dir, torn)
		p, err := store.OpenSpool(dir, s, storeID, smallSpool)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut-first, err)
		}
		if p.Len() != 2 || cut-first >= 8 && !p.Torn() {
			t.Errorf("cut at %d: %d settlements, torn %t", cut-first, p.Len(), p.Torn())
		}
		put(t, p, 2, 4)
		drained(t, p, 0, 4)
		p.Close()
	}
}

// diffRange is where two files of one length differ first and last.
func diffRange(a, b []byte) (first, last int) {
	first = -1
	for i := range a {
		if a[i] != b[i] {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	return first, last
}

func TestSpoolSetsADamagedFileAside(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	blank := spoolBytes(t, dir)
	put(t, p, 0, 1)
	one := spoolBytes(t, dir)
	put(t, p, 1, 3)
	p.Close()
	_, end := diffRange(blank, one)
	broken := spoolBytes(t, dir)
	broken[end+400]++ // within the second record
	writeSpool(t, dir, broken)

	p = openSpool(t, dir, s)
	if p.Len() != 3 {
		t.Errorf("%d settlements are kept, want 3", p.Len())
	}
	var got []store.Spooled
	n, err := p.Drain(t.Context(), func(s store.Spooled) error { got = append(got, s); return nil })
	damaged := (*store.SpoolDamagedError)(nil)
	if !errors.As(err, &damaged) || damaged.Records != 1 || n != 2 {
		t.Fatalf("drained %d with error %v, want 2 and one damaged record", n, err)
	}
	if d := cmp.Diff([]store.Spooled{spooled(0), spooled(2)}, got); d != "" {
		t.Errorf("what could be read differs (-want +got):\n%s", d)
	}
	kept, err := os.ReadFile(damaged.Kept)
	if err != nil || !bytes.Contains(kept, broken[end+300:end+500]) {
		t.Errorf("the damaged record is not in the file that was kept: %v", err)
	}
	put(t, p, 5, 6)
	drained(t, p, 5, 6)
}

func TestSpoolSurvivesADamagedFirstPage(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	put(t, p, 0, 2)
	p.Close()
	b := spoolBytes(t, dir)
	b[20]++
	writeSpool(t, dir, b)
	drained(t, openSpool(t, dir, s), 0, 2)
}

func TestSpoolRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	keys := store.NewKeys()
	full := func(t *testing.T) string {
		dir := t.TempDir()
		p := openSpool(t, dir, newSealer(t, keys))
		put(t, p, 0, 2)
		p.Close()
		return dir
	}
	forged := keys.Seal[0]
	forged.Key = bytes.Repeat([]byte{1}, 32)
	for _, c := range []struct {
		name string
		keys store.Keys
		edit func(b []byte) []byte
		want string
	}{
		{"other key", store.NewKeys(), nil, "which is not given"},
		{"other key under the same name", store.Keys{Seal: []store.SealKey{forged}, Index: keys.Index}, nil, "it was changed"},
		{"empty file", keys, func([]byte) []byte { return nil }, "it is no spool, or was cut"},
		{"another file", keys, func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) }, "it is no spool"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := full(t)
			if c.edit != nil {
				writeSpool(t, dir, c.edit(spoolBytes(t, dir)))
			}
			before := spoolBytes(t, dir)
			_, err := store.OpenSpool(dir, newSealer(t, c.keys), storeID, smallSpool)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got error %v, want one with the path and %q", err, c.want)
			}
			if !bytes.Equal(before, spoolBytes(t, dir)) {
				t.Error("the file was changed")
			}
			if c.edit == nil {
				drained(t, openSpool(t, dir, newSealer(t, keys)), 0, 2)
			}
		})
	}
}

func TestSpoolOpensWithARotatedKey(t *testing.T) {
	t.Parallel()
	dir, keys := t.TempDir(), store.NewKeys()
	p := openSpool(t, dir, newSealer(t, keys))
	put(t, p, 0, 2)
	p.Close()
	keys.Seal = append(store.NewKeys().Seal, keys.Seal...)
	p = openSpool(t, dir, newSealer(t, keys))
	put(t, p, 2, 4)
	drained(t, p, 0, 4)
}

func TestSpoolHoldsNothingInClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := openSpool(t, dir, newSealer(t, store.NewKeys()))
	put(t, p, 0, 4)
	if bytes.Contains(spoolBytes(t, dir), []byte("canary")) {
		t.Error("the file holds personal data in clear")
	}
}

func TestSpoolRefusesNothingAndBoth(t *testing.T) {
	t.Parallel()
	p := openSpool(t, t.TempDir(), newSealer(t, store.NewKeys()))
	for _, s := range []store.Spooled{{}, {Call: spooled(0).Call, Ticket: spooled(1).Ticket}} {
		if err := p.Put(s); err == nil {
			t.Errorf("%+v was kept", s)
		}
	}
	p.Close()
	if err := p.Put(spooled(0)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("put into a closed spool: got error %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("close twice: %v", err)
	}
}

func TestSpoolIsSharedByMany(t *testing.T) {
	t.Parallel()
	p := openSpool(t, t.TempDir(), newSealer(t, store.NewKeys()))
	const each, writers = 3, 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range each {
				if err := p.Put(spooled(i*each + n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	drain := func() {
		_, err := p.Drain(t.Context(), func(s store.Spooled) error {
			mu.Lock()
			defer mu.Unlock()
			if s.Call != nil {
				seen[fmt.Sprint("call ", s.Call.Call)]++
			} else {
				seen[fmt.Sprint("ticket ", s.Ticket.ID)]++
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	wg.Go(drain)
	wg.Go(drain)
	wg.Wait()
	drain()
	if len(seen) != each*writers {
		t.Errorf("%d settlements were drained, want %d", len(seen), each*writers)
	}
	for s, n := range seen {
		if n != 1 {
			t.Errorf("%s was drained %d times", s, n)
		}
	}
}

// FuzzOpenSpool feeds changed files: opening refuses them or finds no more than
// was ever put there, and leaves them as they are while they hold anything.
func FuzzOpenSpool(f *testing.F) {
	keys := fixedKeys()
	seed := f.TempDir()
	p, err := store.OpenSpool(seed, newSealer(f, keys), storeID, 16<<10)
	if err != nil {
		f.Fatal(err)
	}
	put(f, p, 0, 3)
	p.Close()
	whole := spoolBytes(f, seed)
	f.Add(whole, 0, byte(0))
	for _, at := range []int{0, 16, 24, 4096 + 20, 8192, 8200, 8204, 8208, 8300, 12000} {
		f.Add(whole, at, byte(0xff))
	}
	f.Add(whole[:9000], 0, byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at int, x byte) {
		b = bytes.Clone(b)
		if at >= 0 && at < len(b) {
			b[at] ^= x
		}
		dir := t.TempDir()
		writeSpool(t, dir, b)
		p, err := store.OpenSpool(dir, newSealer(t, keys), storeID, int64(len(b)))
		if err == nil {
			if p.Len() > 3 {
				t.Errorf("%d settlements were found, of 3", p.Len())
			}
			p.Close()
			if p.Len() == 0 {
				return
			}
		}
		if !bytes.Equal(b, spoolBytes(t, dir)) {
			t.Error("the file was changed")
		}
	})
}
