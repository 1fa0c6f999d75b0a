package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A list that swells more than maxSwell times beyond its first freeSwell bytes
// was packed to do harm: rows of plates shrink to a tenth, or less if many are
// alike.
const (
	maxSwell  = 200
	freeSwell = 64 << 20
)

// maxWindow bounds the memory that unpacking zstd takes.
const maxWindow = 32 << 20

// unpack returns the list that is inside of r, if r is compressed, and how it
// is called. It never looks at names.
func unpack(r *bufio.Reader) (io.Reader, string, error) {
	head, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("read list: %w", err)
	}
	packed := &counted{r: r}
	var what string
	var inner io.Reader
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		what = "gzip"
		inner, err = gzip.NewReader(packed)
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		what = "zstd"
		inner, err = zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	default:
		return r, "", nil
	}
	if err != nil {
		return nil, "", damaged(what, err)
	}
	return &swelling{packed: packed, r: inner, what: what}, what, nil
}

func damaged(what string, err error) *InputError {
	return &InputError{Code: CodePacked, Reason: "it cannot be unpacked (" + what + ")", Hint: "pack it again, or give it unpacked", Err: err}
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// swelling reads what is unpacked and ends it where that grows beyond reason.
type swelling struct {
	packed *counted
	r      io.Reader
	n      int64
	what   string
}

func (s *swelling) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if s.n > freeSwell && s.n > maxSwell*s.packed.n {
		return 0, &InputError{Code: CodePacked, Reason: fmt.Sprintf("it grows more than %d times when it is unpacked", maxSwell),
			Hint: "give it unpacked, if it is a list"}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, damaged(s.what, err)
	}
	return n, err
}
