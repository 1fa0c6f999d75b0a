package export

import (
	"bufio"
	"fmt"
	"io"

	"github.com/plateq/plateq/store"
)

// NewArray returns a writer that makes one JSON array of the JSON Lines that
// are written to it, and ends it when it is closed. w stays open.
func NewArray(w io.Writer) io.WriteCloser { return &lineArray{w: bufio.NewWriterSize(w, bufferSize)} }

// lineArray puts what an array has between its entries in the place of the
// ends of lines.
type lineArray struct {
	w    *bufio.Writer
	open bool // a line has begun
	some bool
}

// Write implements io.Writer.
func (a *lineArray) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' {
			a.open = false
			continue
		}
		if !a.open {
			before := "[\n"
			if a.some {
				before = ",\n"
			}
			if _, err := a.w.WriteString(before); err != nil {
				return 0, err
			}
			a.open, a.some = true, true
		}
		if err := a.w.WriteByte(b); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close implements io.Closer.
func (a *lineArray) Close() error {
	end := "[]\n"
	if a.some {
		end = "\n]\n"
	}
	if _, err := a.w.WriteString(end); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	if err := a.w.Flush(); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}

// arrayWriter writes one JSON array, an object of JSON Lines on each line.
type arrayWriter struct {
	Writer
	array io.WriteCloser
}

func newArray(w io.Writer, b store.Batch, o Options) (Writer, error) {
	a := NewArray(w)
	lines, err := newJSONL(a, b, o)
	return &arrayWriter{lines, a}, err
}

// Close is Writer.Close.
func (a *arrayWriter) Close() error {
	if err := a.Writer.Close(); err != nil {
		return err
	}
	return a.array.Close()
}
