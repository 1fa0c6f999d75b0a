package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// timing is how long a page took each time that it was asked for, ascending.
type timing []time.Duration

// measured are pages in the order in which they were first asked for, with
// what they took in each store.
type measured struct {
	pages []string
	took  map[string][]timing
}

var (
	links   = regexp.MustCompile(`href="(/[^"#]*)"`)
	ofBatch = regexp.MustCompile(`b_[a-z0-9]{20}`)
)

// visit asks for the pages that the first one leads to, and for those of a
// large list and one under way.
func (m *measured) visit(ctx context.Context, f *rig.Fleet, rows, times int) error {
	done, running, err := fill(ctx, f, rows)
	if err != nil {
		return err
	}
	first, _, err := get(ctx, f.URL()+"/")
	if err != nil {
		return err
	}
	pages := []string{"/"}
	for _, link := range links.FindAllStringSubmatch(first, -1) {
		page := html.UnescapeString(link[1])
		if other := strings.HasPrefix(page, "/assets/") || strings.HasPrefix(page, "/docs") || ofBatch.MatchString(page); !other && !slices.Contains(pages, page) {
			pages = append(pages, page)
		}
	}
	large := "/batches/" + done.ID
	pages = append(pages, large, large+"?status=found", large+"?status=failed", large+"?status=invalid", "/batches/"+running.ID)
	shown, _, err := get(ctx, f.URL()+large)
	if err != nil {
		return err
	}
	for _, link := range links.FindAllStringSubmatch(shown, -1) {
		if page := html.UnescapeString(link[1]); strings.Contains(page, "cursor=") {
			pages = append(pages, page)
			break
		}
	}
	for _, page := range pages {
		var t timing
		for range times {
			_, took, err := get(ctx, f.URL()+page)
			if err != nil {
				return err
			}
			t = append(t, took)
		}
		slices.Sort(t)
		name := strings.NewReplacer(done.ID, "{large}", running.ID, "{under way}").Replace(page)
		if i := strings.Index(name, "cursor="); i >= 0 {
			name = name[:i] + "cursor=…"
		}
		if m.took[name] == nil {
			m.pages = append(m.pages, name)
		}
		m.took[name] = append(m.took[name], t)
	}
	return nil
}

func get(ctx context.Context, url string) (body string, took time.Duration, err error) {
	begun := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", 0, fmt.Errorf("ask for a page: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("ask for a page: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", 0, fmt.Errorf("read a page: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("ask for %s: %s", req.URL.Path, resp.Status)
	}
	return string(text), time.Since(begun), nil
}

func (m *measured) print() {
	for _, name := range m.pages {
		fmt.Printf("| `%s` |", name)
		for _, t := range m.took[name] {
			fmt.Printf(" %.1f ms | %.1f ms |", ms(t[len(t)/2]), ms(t[len(t)-1]))
		}
		fmt.Println()
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
