package postgres

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
)

// Rows are written as they are read, whatever room a reader has.
func TestRowsAreReadAsTheyWouldBeWrittenAtOnce(t *testing.T) {
	t.Parallel()
	texts := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("wide"), 50_000), []byte("last")}
	reader := func() *rowReader {
		return &rowReader{columns: 2, n: len(texts), row: func(i int, r *copied) {
			r.identifier(int64(i)) // the first is NULL
			r.bytes(texts[i])
		}}
	}
	var want copied
	for i, text := range texts {
		want.number16(2)
		want.identifier(int64(i))
		want.bytes(text)
	}
	want.number16(-1)
	for name, through := range map[string]func(io.Reader) io.Reader{
		"all there is": func(r io.Reader) io.Reader { return r },
		"a byte":       iotest.OneByteReader,
		"half of it":   iotest.HalfReader,
	} {
		got, err := io.ReadAll(through(reader()))
		if err != nil || !bytes.Equal(got, want.out) {
			t.Errorf("%s at a time: got %d bytes, %v, want %d", name, len(got), err, len(want.out))
		}
	}
}

// What a broken connection still reads in the background must not meet the
// next try.
func TestRowsAreNotWrittenOnceTheCopyHasEnded(t *testing.T) {
	t.Parallel()
	r := &rowReader{columns: 1, n: 2, row: func(int, *copied) { t.Error("a row was written") }}
	r.stop()
	if n, err := r.Read(make([]byte, 10)); n != 0 || !errors.Is(err, errStopped) {
		t.Errorf("read %d bytes, %v, want none, %v", n, err, errStopped)
	}
}

// Nor must what it is reading just then: whoever ends the copy waits for that.
func TestTheEndOfACopyWaitsForARead(t *testing.T) {
	t.Parallel()
	begun, written := make(chan struct{}), false
	r := &rowReader{columns: 1, n: 1, row: func(int, *copied) {
		close(begun)
		runtime.Gosched()
		written = true
	}}
	go func() { _, _ = r.Read(make([]byte, 10)) }()
	<-begun
	r.stop()
	if !written {
		t.Error("a row was being written once the copy had ended")
	}
}
