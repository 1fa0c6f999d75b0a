package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/plateq/plateq/client"
)

// screen is standard error. What is written while a bar is shown appears
// above it. It is safe for concurrent use.
//
// Writing never fails: talk that nobody hears, as the other end of the pipe is
// closed, ends no work that is under way.
type screen struct {
	mu   sync.Mutex
	w    io.Writer
	bars *mpb.Progress // nil: none is shown
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bars != nil {
		if n, err := s.bars.Write(p); err == nil {
			return n, nil
		}
	}
	_, _ = s.w.Write(p)
	return len(p), nil
}

func (s *screen) show(bars *mpb.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bars = bars
}

// standing is how a list stands.
type standing struct {
	stage   string // "reading", "looking up", "writing"
	rows    int
	counts  map[client.Status]int
	waiting string // beyond the provider's own time; may be empty
}

func (s standing) settled() int {
	n := 0
	for status, k := range s.counts {
		switch status {
		case client.RowQueued, client.RowSending, client.RowWaiting:
		default:
			n += k
		}
	}
	return n
}

// String returns "looking up: 40 of 120 settled (38 found, 2 not found)".
func (s standing) String() string {
	if s.counts == nil {
		return fmt.Sprintf("%s: %d rows", s.stage, s.rows)
	}
	text := fmt.Sprintf("%s: %d of %d settled", s.stage, s.settled(), s.rows)
	if counts := present(s.counts); counts != "" {
		text += " (" + counts + ")"
	}
	if s.waiting != "" {
		text += "; waiting for " + s.waiting
	}
	return text
}

// present names the counts that are not 0.
func present(counts map[client.Status]int) string {
	var parts []string
	for _, status := range client.Statuses() {
		if n := counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, words(status)))
		}
	}
	return strings.Join(parts, ", ")
}

// words writes a status as people say it.
func words(s client.Status) string { return strings.ReplaceAll(string(s), "_", " ") }

// meter shows how a list stands until it is stopped.
type meter interface {
	update(s standing)
	stop()
}

// meter returns what fits standard error: a bar on a terminal, else a line
// now and then, or nothing.
func (c *cli) meter() meter {
	switch {
	case c.quiet:
		return silence{}
	case terminal(c.err):
		return newBar(c.screen)
	}
	return &lines{w: c.screen, now: time.Now}
}

type silence struct{}

func (silence) update(standing) {}
func (silence) stop()           {}

// lineEvery is how often a meter of lines says something.
const lineEvery = 10 * time.Second

// lines says now and then how things stand, and at once that something new is
// being done.
type lines struct {
	w     io.Writer
	now   func() time.Time
	said  time.Time
	stage string
}

func (l *lines) update(s standing) {
	if now := l.now(); s.stage != l.stage || now.Sub(l.said) >= lineEvery {
		l.said, l.stage = now, s.stage
		fmt.Fprintln(l.w, s)
	}
}

func (l *lines) stop() {}

// bar is a progress bar with counts and the time that is left.
type bar struct {
	screen *screen
	bars   *mpb.Progress
	bar    *mpb.Bar
	begun  bool

	mu sync.Mutex
	at standing
}

func newBar(s *screen) *bar {
	b := &bar{screen: s, bars: mpb.New(mpb.WithOutput(s.w), mpb.WithWidth(30), mpb.WithAutoRefresh())}
	eta := decor.OnAbort(decor.AverageETA(decor.ET_STYLE_GO), "")
	b.bar = b.bars.AddBar(0,
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.look().stage + " " })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.text() }), eta))
	s.show(b.bars)
	return b
}

func (b *bar) look() standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bar) text() string {
	s := b.look()
	if s.counts == nil {
		return fmt.Sprintf(" %d rows ", s.rows)
	}
	text := fmt.Sprintf(" %d/%d", s.settled(), s.rows)
	if counts := present(s.counts); counts != "" {
		text += " " + counts
	}
	if s.waiting != "" {
		text += " · waiting for " + s.waiting
	}
	return text + " "
}

func (b *bar) update(s standing) {
	b.mu.Lock()
	b.at = s
	b.mu.Unlock()
	if s.counts == nil {
		return
	}
	if !b.begun {
		b.begun = true
		b.bar.DecoratorAverageAdjust(time.Now()) // reading was no looking up
	}
	b.bar.SetTotal(int64(s.rows)+1, false) // one more: it ends when it is stopped
	b.bar.SetCurrent(int64(s.settled()))
}

func (b *bar) stop() {
	b.bar.Abort(true)
	b.bars.Wait()
	b.screen.show(nil)
}
