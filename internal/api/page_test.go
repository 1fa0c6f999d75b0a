package api_test

import (
	"regexp"
	"strings"
	"testing"
)

// The page shows the whole document and loads nothing but its own style.
func TestPageDescribesEveryOperationByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rec := w.do(t, "GET", "/docs", "")
	page := rec.Body.String()
	if got := rec.Header().Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
		t.Errorf("policy %q", got)
	}
	for path, ops := range w.document(t).Paths {
		for _, op := range ops {
			if !strings.Contains(page, `id="`+op.OperationID+`"`) || !strings.Contains(page, "<code>"+path+"</code>") {
				t.Errorf("%s is not shown", path)
			}
		}
	}
	for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if to, inside := strings.CutPrefix(link[1], "#"); inside {
			if !strings.Contains(page, `id="`+to+`"`) {
				t.Errorf("%s leads nowhere", link[1])
			}
			continue
		}
		if rec := w.do(t, "GET", "/"+link[1], ""); rec.Code != 200 {
			t.Errorf("%s: got %d", link[1], rec.Code)
		}
	}
	if regexp.MustCompile(`<script|<style|\son[a-z]+=|\sstyle=`).MatchString(page) {
		t.Error("something on the page needs what its policy forbids")
	}
}
