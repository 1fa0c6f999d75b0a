package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/store"
)

// picky applies settlements but for one, which it refuses.
type picky struct {
	refuses int
	why     error
	got     []store.Spooled
}

func (a *picky) apply(s store.Spooled) error {
	if cmp.Equal(s, spooled(a.refuses)) {
		return a.why
	}
	a.got = append(a.got, s)
	return nil
}

// asideOf puts settlements 0 to 3 into a spool and drains it until number 1,
// which is refused, lies aside.
func asideOf(t *testing.T, dir string, s *store.Sealer) (p *store.Spool, e *store.SpoolRefusedError) {
	t.Helper()
	p = openSpool(t, dir, s)
	now := time.Now()
	p.TellTime(func() time.Time { return now })
	put(t, p, 0, 3)
	a := &picky{refuses: 1, why: errors.New("no such column")}
	for i := 0; e == nil || e.Kept == ""; i++ {
		if i == 100 {
			t.Fatal("what is refused is never set aside")
		}
		_, err := p.Drain(t.Context(), a.apply)
		if told, refused := errors.AsType[*store.SpoolRefusedError](err); refused {
			e = told
		} else if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]store.Spooled{spooled(0), spooled(2)}, a.got); d != "" {
			t.Fatalf("applied in round %d (-want +got):\n%s", i, d)
		}
		now = now.Add(time.Minute)
	}
	return p, e
}

func TestSpoolSetsAsideWhatIsRefusedForGood(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p, e := asideOf(t, dir, s)
	if e.Ticket != 1 || e.Call != 0 || e.Kept == "" {
		t.Errorf("it is told as %+v, want it to name the ticket and the file", e)
	}
	kept, err := os.ReadFile(e.Kept)
	if err != nil || bytes.Contains(kept, []byte("canary")) {
		t.Errorf("the file holds personal data in clear, or is not there: %v", err)
	}
	if u := p.Use(); u.Refused != 1 || u.Answers != 0 || u.Bytes != 0 {
		t.Errorf("the spool tells %+v, want it empty and one refused", u)
	}
	put(t, p, 3, 5)
	drained(t, p, 3, 5)
}

func TestSpoolGivesWhatWasSetAsideAgain(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p, e := asideOf(t, dir, s)
	p.Close()
	for _, c := range []struct {
		what      string
		why       error // nil: it is taken
		left      int
		isRefused bool
	}{
		{"refused again", errors.New("no such column"), 1, true},
		{"the store is away", store.ErrAway, 1, false},
		{"taken", nil, 0, false},
		{"nothing is left", errors.New("it came again"), 0, false},
	} {
		p = openSpool(t, dir, s)
		if u := p.Use(); c.what != "nothing is left" && u.Refused != 1 {
			t.Errorf("%s: %d are aside when the spool is opened, want 1", c.what, u.Refused)
		}
		_, err := p.Retry(t.Context(), func(got store.Spooled) error {
			if d := cmp.Diff(spooled(1), got); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.what, d)
			}
			return c.why
		})
		refused, is := errors.AsType[*store.SpoolRefusedError](err)
		if is != c.isRefused || is && refused.Kept != e.Kept || c.left > 0 && !errors.Is(err, c.why) || c.left == 0 && err != nil {
			t.Errorf("%s: got error %v", c.what, err)
		}
		if u := p.Use(); u.Refused != c.left {
			t.Errorf("%s: %d are aside, want %d", c.what, u.Refused, c.left)
		}
		p.Close()
	}
	left, err := filepath.Glob(filepath.Join(dir, "*refused*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v, %v is left of what was applied", left, err)
	}
}

// Processes that end before the five minutes are over set aside together what
// one that stays would, and each says once that there is a refusal.
func TestSpoolSetsAsideWhatShortProcessesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		each  time.Duration // from one process to the next
		tries int           // of each
		want  int           // processes
	}{
		"once a day":      {24 * time.Hour, 1, 5},
		"twice in each":   {24 * time.Hour, 2, 3},
		"restarted often": {20 * time.Second, 1, 18}, // the file has the minute that follows the first one
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, s := t.TempDir(), newSealer(t, store.NewKeys())
			now := time.Date(2031, 5, 6, 7, 0, 20, 0, time.UTC)
			a := &picky{refuses: 1, why: errors.New("no such column")}
			for process := 1; ; process++ {
				if process > 100 {
					t.Fatal("what is refused is never set aside")
				}
				p := openSpool(t, dir, s)
				p.TellTime(func() time.Time { return now })
				if process == 1 {
					put(t, p, 0, 3)
				}
				told := 0
				for range c.tries {
					if _, err := p.Drain(t.Context(), a.apply); err != nil {
						told++
					}
				}
				u := p.Use()
				if told != 1 || u.Answers+u.Refused != 1 {
					t.Fatalf("process %d: %d words about it, %+v", process, told, u)
				}
				p.Close()
				if u.Refused == 1 {
					if process != c.want {
						t.Errorf("process %d has set it aside, want number %d to", process, c.want)
					}
					break
				}
				now = now.Add(c.each)
			}
			if d := cmp.Diff([]store.Spooled{spooled(0), spooled(2)}, a.got); d != "" {
				t.Errorf("applied (-want +got):\n%s", d)
			}
			if n, err := openSpool(t, dir, s).Retry(t.Context(), func(got store.Spooled) error {
				if d := cmp.Diff(spooled(1), got); d != "" {
					t.Errorf("set aside (-want +got):\n%s", d)
				}
				return nil
			}); n != 1 || err != nil {
				t.Errorf("%d were given to the store again, %v", n, err)
			}
		})
	}
}

// A clock that is set back while something is refused does not keep it for ever.
func TestSpoolSetsAsideWhatIsRefusedWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	dir, s := t.TempDir(), newSealer(t, store.NewKeys())
	p := openSpool(t, dir, s)
	now := time.Now()
	put(t, p, 1, 2)
	refuse := func(store.Spooled) error { return errors.New("no such column") }
	for i := range 10 {
		p.TellTime(func() time.Time { return now })
		_, _ = p.Drain(t.Context(), refuse)
		now = now.Add(time.Minute)
		if i == 0 {
			now = now.Add(-365 * 24 * time.Hour)
		}
		p.Close()
		p = openSpool(t, dir, s)
	}
	if u := p.Use(); u.Refused != 1 {
		t.Errorf("the spool tells %+v, want it set aside", u)
	}
}

// What is refused now and taken soon is no case for a person.
func TestSpoolSetsNothingAsideThatIsTakenSoon(t *testing.T) {
	t.Parallel()
	p := openSpool(t, t.TempDir(), newSealer(t, store.NewKeys()))
	now := time.Now()
	p.TellTime(func() time.Time { return now })
	put(t, p, 0, 3)
	a := &picky{refuses: 1, why: errors.New("no such column")}
	told := 0
	for range 100 { // within a moment
		if _, err := p.Drain(t.Context(), a.apply); err != nil {
			told++
		}
	}
	now = now.Add(time.Hour) // in which nobody tried
	if u := p.Use(); u.Refused != 0 || u.Answers != 1 || told != 1 {
		t.Errorf("the spool tells %+v after %d words about it, want one to be tried on and one word", u, told)
	}
	drained(t, p, 1, 2)
}

// Where one thing after the other is refused, no more must be bought.
func TestSpoolIsFullOfWhatWasRefused(t *testing.T) {
	t.Parallel()
	p := openSpool(t, t.TempDir(), newSealer(t, store.NewKeys()))
	now := time.Now()
	p.TellTime(func() time.Time { return now })
	refuse := func(store.Spooled) error { return errors.New("no such column") }
	for range 1000 {
		if p.Full() {
			break
		}
		put(t, p, 0, 10)
		for range 10 {
			if _, err := p.Drain(t.Context(), refuse); errors.Is(err, store.ErrSpoolFull) {
				t.Fatal(err)
			}
			now = now.Add(time.Minute)
		}
	}
	if u := p.Use(); !p.Full() || u.Answers != 0 {
		t.Errorf("the spool tells %+v and is full: %t", u, p.Full())
	}
}
