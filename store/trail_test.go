package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

// chained is a log of five acts.
func chained(t *testing.T) (*store.Sealer, []store.Act) {
	t.Helper()
	s, err := store.NewSealer(store.NewKeys())
	if err != nil {
		t.Fatal(err)
	}
	var acts []store.Act
	var before []byte
	for i := range 5 {
		a := s.LinkAct(before, store.Act{
			No: int64(i + 1), At: time.UnixMilli(int64(1_000 + i)), Who: "key a", Kind: store.ActRowsSeen, Tenant: "acme", About: "b_1", Note: "csv",
		})
		acts, before = append(acts, a), a.Hash
	}
	return s, acts
}

func TestATamperedLogIsFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tamper func(acts []store.Act) []store.Act
		broken int64
	}{
		"nothing":    {func(a []store.Act) []store.Act { return a }, 0},
		"who":        {func(a []store.Act) []store.Act { a[2].Who = "key b"; return a }, 3},
		"what":       {func(a []store.Act) []store.Act { a[2].Kind = store.ActLogin; return a }, 3},
		"when":       {func(a []store.Act) []store.Act { a[2].At = a[2].At.Add(time.Millisecond); return a }, 3},
		"whose":      {func(a []store.Act) []store.Act { a[2].Tenant = "other"; return a }, 3},
		"about":      {func(a []store.Act) []store.Act { a[2].About = "b_2"; return a }, 3},
		"note":       {func(a []store.Act) []store.Act { a[2].Note = ""; return a }, 3},
		"hash":       {func(a []store.Act) []store.Act { a[2].Hash = a[1].Hash; return a }, 3},
		"moved text": {func(a []store.Act) []store.Act { a[2].About, a[2].Note = "b_1c", "sv"; return a }, 3},
		"dropped":    {func(a []store.Act) []store.Act { return append(a[:2], a[3:]...) }, 3},
		"dropped, filled": {func(a []store.Act) []store.Act {
			a = append(a[:2], a[3:]...)
			a[2].No, a[3].No = 3, 4
			return a
		}, 3},
		"swapped": {func(a []store.Act) []store.Act {
			a[1], a[2] = a[2], a[1]
			a[1].No, a[2].No = 2, 3
			return a
		}, 2},
		"the first":  {func(a []store.Act) []store.Act { return a[1:] }, 1},
		"the newest": {func(a []store.Act) []store.Act { return a[:3] }, 4},
		"all":        {func([]store.Act) []store.Act { return nil }, 1},
	}
	for name, tt := range tests {
		s, acts := chained(t)
		head := store.ActHead{No: 5, Hash: acts[4].Hash}
		check := store.NewTrailCheck(s, []store.ActHead{head})
		for _, a := range tt.tamper(acts) {
			if !check.Next(a) {
				break
			}
		}
		if got := check.Report(); got.Broken != tt.broken || (got.Reason == "") != (tt.broken == 0) {
			t.Errorf("%s: got %d (%s), want %d", name, got.Broken, got.Reason, tt.broken)
		}
	}
}

// Who has the database and not the keys cannot write a log that passes.
func TestALogOfOtherKeysIsBroken(t *testing.T) {
	t.Parallel()
	_, acts := chained(t)
	other, _ := chained(t)
	check := store.NewTrailCheck(other, nil)
	if check.Next(acts[0]) || check.Report().Broken != 1 {
		t.Errorf("got %+v", check.Report())
	}
}

func TestActHead(t *testing.T) {
	t.Parallel()
	for _, h := range []store.ActHead{{}, {No: 17, Hash: []byte(strings.Repeat("\x0f", store.KeySize))}} {
		if got, err := store.ParseActHead(h.String()); err != nil || got.No != h.No || string(got.Hash) != string(h.Hash) {
			t.Errorf("%s: got %v, %v", h, got, err)
		}
	}
	for _, text := range []string{"", "17", ":", "x:00", "17:0f", "17:zz", "-1:", "1:", "0:" + strings.Repeat("00", 15)} {
		if got, err := store.ParseActHead(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
