package intake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// arrayReader reads the entries of one JSON array, of any layout, one at a
// time. It knows where an entry ends; what is in it, others judge.
type arrayReader struct {
	r     *bufio.Reader
	line  int
	some  bool // an entry was read
	ended bool
	buf   []byte
}

// openJSON reads an array of objects like so many lines of JSON Lines.
func openJSON(l *lines) (*jsonlSource, error) {
	a := &arrayReader{r: l.r, line: 1}
	if b, err := a.skip(); err != nil || b != '[' {
		return nil, a.broken("it does not begin with [", err)
	}
	return openJSONL(a.next)
}

// next returns the next entry and the line on which it begins.
func (a *arrayReader) next() ([]byte, int, error) {
	if a.ended {
		return nil, a.line, io.EOF
	}
	b, err := a.skip()
	if b == ',' && a.some && err == nil {
		b, err = a.skip()
	} else if a.some && err == nil && b != ']' {
		return nil, 0, a.broken("there is no comma between two entries", nil)
	}
	switch {
	case err != nil:
		return nil, 0, a.broken("the array is not closed", err)
	case b == ']':
		return nil, a.line, a.end()
	case b == ',':
		return nil, 0, a.broken("there is a comma too many", nil)
	}
	a.some = true
	at := a.line
	if err := a.entry(b); err != nil {
		return nil, 0, err
	}
	return a.buf, at, nil
}

// entry reads the value that begins with b into buf.
func (a *arrayReader) entry(b byte) error {
	a.buf = append(a.buf[:0], b)
	depth, quoted, escaped := 0, false, false
	for {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = b == '\\', b != '"'
		case b == '"':
			quoted = true
		case b == '{' || b == '[':
			depth++
		case b == '}' || b == ']':
			depth--
		}
		if depth == 0 && !quoted {
			if next, err := a.r.Peek(1); err != nil || strings.IndexByte(",] \t\r\n}", next[0]) >= 0 {
				break
			}
		}
		var err error
		if b, err = a.byte(); err != nil {
			return a.broken("the array is not closed", err)
		}
		if a.buf = append(a.buf, b); len(a.buf) > MaxLine {
			return tooLong(a.line)
		}
	}
	if !utf8.Valid(a.buf) {
		return notUTF8(a.buf, a.line)
	}
	return nil
}

// end sees that nothing follows the array.
func (a *arrayReader) end() error {
	a.ended = true
	switch _, err := a.skip(); {
	case err == nil:
		return a.broken("something follows the array", nil)
	case errors.Is(err, io.EOF):
		return io.EOF
	default:
		return unread(err, a.line)
	}
}

// skip returns the next byte that is no space.
func (a *arrayReader) skip() (byte, error) {
	for {
		b, err := a.byte()
		if err != nil || strings.IndexByte(" \t\r\n", b) < 0 {
			return b, err
		}
	}
}

func (a *arrayReader) byte() (byte, error) {
	b, err := a.r.ReadByte()
	if b == '\n' {
		a.line++
	}
	return b, err
}

// broken refuses the array, unless the list itself could not be read.
func (a *arrayReader) broken(reason string, err error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		return unread(err, a.line)
	}
	return &InputError{Code: CodeJSON, Line: a.line, Reason: fmt.Sprintf("it is no JSON array: %s", reason),
		Hint: "write [, one object for each row with commas between, and ]"}
}
