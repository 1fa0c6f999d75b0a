package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// copy writes n rows of a table, none of which is there. row writes the columns
// of the i-th, in the order and with the types of the table, as the connection
// takes them; it is not called after copy has returned.
func (t *tx) copy(ctx context.Context, table string, columns []string, n int, row func(i int, r *copied)) error {
	if n == 0 {
		return nil
	}
	rows := &rowReader{columns: len(columns), n: n, row: row}
	if n >= manyRows {
		rows.held.out = make([]byte, 0, 80<<10) // a read of 64 KiB, and a row beyond it
	}
	rows.held.out = append(rows.held.out, copyHead...)
	// The connection may be lost with its last read still under way.
	defer rows.stop()
	err := t.raw.copy(ctx, "COPY "+table+" ("+strings.Join(columns, ", ")+") FROM STDIN BINARY", rows)
	if err != nil {
		return fmt.Errorf("write %s: %w", table, err)
	}
	return nil
}

// manyRows are more than one read takes.
const manyRows = 100

// copyHead begins the binary form of COPY, without flags or an extension:
// https://www.postgresql.org/docs/current/sql-copy.html
const copyHead = "PGCOPY\n\377\r\n\000" + "\000\000\000\000" + "\000\000\000\000"

// rowReader writes rows as they are read: the server works on some while the
// next are written, and few are held.
type rowReader struct {
	columns, n int
	row        func(i int, r *copied)

	mu   sync.Mutex
	held copied // written and not read
	next int    // row; past n: the end is written too
}

var errStopped = errors.New("the copy has ended")

// Read implements io.Reader.
func (r *rowReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.row == nil {
		return 0, errStopped
	}
	for len(r.held.out) < len(p) && r.next <= r.n {
		r.write()
	}
	if len(r.held.out) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, r.held.out)
	r.held.out = append(r.held.out[:0], r.held.out[n:]...)
	return n, nil
}

// write writes the next row, or the end.
func (r *rowReader) write() {
	if r.next < r.n {
		r.held.number16(r.columns)
		r.row(r.next, &r.held)
	} else {
		r.held.number16(-1)
	}
	r.next++
}

// stop waits for a read that is under way, and has all others fail.
func (r *rowReader) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.row = nil
}

// copied is rows in the binary form of COPY: each field is its length in four
// bytes and its value.
type copied struct{ out []byte }

func (c *copied) number16(n int) {
	c.out = binary.BigEndian.AppendUint16(c.out, uint16(n)) //nolint:gosec // few columns, or -1
}

func (c *copied) length(n int) {
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(n)) //nolint:gosec // PostgreSQL takes no more than 1 GB
}

// long writes a bigint.
func (c *copied) long(n int64) {
	c.length(8)
	c.out = binary.BigEndian.AppendUint64(c.out, uint64(n)) //nolint:gosec // only its bits matter
}

// identifier writes that of an ask or a ticket; 0 is NULL: there is none.
func (c *copied) identifier(id int64) {
	if id == 0 {
		c.length(-1)
		return
	}
	c.long(id)
}

// number writes an integer.
func (c *copied) number(n int) {
	c.length(4)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(n)) //nolint:gosec // a count of what fits into memory
}

// truth writes a boolean.
func (c *copied) truth(is bool) {
	c.length(1)
	if is {
		c.out = append(c.out, 1)
		return
	}
	c.out = append(c.out, 0)
}

// bytes writes a bytea that is not NULL.
func (c *copied) bytes(b []byte) {
	c.length(len(b))
	c.out = append(c.out, b...)
}

// text writes a text.
func (c *copied) text(s string) {
	c.length(len(s))
	c.out = append(c.out, s...)
}
