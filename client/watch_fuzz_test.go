package client

import (
	"bufio"
	"strings"
	"testing"
)

func FuzzWatch(f *testing.F) {
	f.Add("event: progress\nid: 1\ndata: {\"state\":\"running\"}\n\n: here\n\nevent: finished\nid: 2\ndata: {}\n\n")
	f.Add("data:{}\n\nid\n\ndata: [\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		events := 0
		w := watch{yield: func(Batch, error) bool { events++; return true }}
		err := w.read(bufio.NewScanner(strings.NewReader(stream)), func() {})
		if err == nil && !w.over {
			t.Error("the stream broke off, and nobody was told")
		}
		if w.over && events == 0 {
			t.Error("it is over, and nothing came")
		}
	})
}
