package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxLine is how long a line of a list may be, in bytes; a record of CSV that
// spans several lines likewise.
const MaxLine = 64 << 10

// lines reads lines of UTF-8 text and holds one of them.
type lines struct {
	r   *bufio.Reader
	n   int  // the number of the line that was read last
	end byte // '\n', and '\r' in files that end lines with it alone
}

// head returns the beginning of what r holds, for sniffing.
func newLines(r io.Reader) (l *lines, head []byte, err error) {
	l = &lines{r: bufio.NewReaderSize(r, MaxLine+2), end: '\n'}
	head, err = l.r.Peek(MaxLine)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, unread(err, 0)
	}
	if i := bytes.IndexAny(head, "\r\n"); i >= 0 && i+1 < len(head) && head[i] == '\r' && head[i+1] != '\n' {
		l.end = '\r'
	}
	if bytes.HasPrefix(head, []byte(bom)) {
		_, err = l.r.Discard(len(bom))
	} else {
		err = nil
	}
	return l, head, err
}

// next returns the next line without its end, good until the next call.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice(l.end)
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, l.fault(err)
	}
	l.n++
	line = bytes.TrimSuffix(line, []byte{l.end})
	if l.end == '\r' {
		line = bytes.TrimPrefix(line, []byte{'\n'})
	} else {
		line = bytes.TrimSuffix(line, []byte{'\r'})
	}
	if len(line) > MaxLine {
		return nil, tooLong(l.n)
	}
	if !utf8.Valid(line) {
		return nil, notUTF8(line, l.n)
	}
	return line, nil
}

func (l *lines) fault(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.Is(err, bufio.ErrBufferFull):
		return tooLong(l.n + 1)
	default:
		return unread(err, l.n)
	}
}

// unread says behind which line the list could not be read.
func unread(err error, after int) error {
	if e, ok := errors.AsType[*InputError](err); ok { // of what unpacks
		e.Line = after + 1
		return e
	}
	return fmt.Errorf("read list: after line %d: %w", after, err)
}

func tooLong(n int) *InputError {
	return &InputError{Code: CodeLineTooLong, Line: n, Reason: fmt.Sprintf("it is longer than %d KB", MaxLine>>10),
		Hint: "a row is one line: look for a missing line end or quote before it"}
}

func notUTF8(line []byte, n int) *InputError {
	at := 0
	for at < len(line) {
		r, size := utf8.DecodeRune(line[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	e := &InputError{Code: CodeEncoding, Line: n, Reason: fmt.Sprintf("byte %d is not UTF-8", at+1), Hint: saveAsUTF8}
	if g := guess(line); g != "" {
		e.Reason += fmt.Sprintf("; the file looks like %s", g)
		e.Hint = fmt.Sprintf("if that is so, confirm it with --encoding %s", g)
	}
	return e
}
