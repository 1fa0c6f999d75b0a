package rig

import (
	"fmt"
	"io"
	"strings"
)

// Plates is a list of plates, each another, as CSV that is made as it is read.
func Plates(rows int) io.Reader { return &plates{rows: rows} }

type plates struct {
	rows, n int
	left    strings.Reader
}

// Read implements io.Reader.
func (f *plates) Read(p []byte) (int, error) {
	if f.left.Len() == 0 {
		switch {
		case f.n > f.rows:
			return 0, io.EOF
		case f.n == 0:
			f.left.Reset("plate\n")
		default:
			i := f.n
			f.left.Reset(fmt.Sprintf("DL%d%c%c%c%04d\n", i/260_000_000+1, 'A'+i/6_760_000%26, 'A'+i/260_000%26, 'A'+i/10_000%26, i%10_000))
		}
		f.n++
	}
	return f.left.Read(p)
}
