package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
)

// copy writes n rows of a table, none of which is there. row writes the columns
// of the i-th, in the order and with the types of the table.
func (t *tx) copy(ctx context.Context, table string, columns []string, n int, row func(i int, r *copied)) error {
	if n == 0 {
		return nil
	}
	c := &copied{out: bytes.NewBufferString(copyHead)}
	for i := range n {
		c.number16(len(columns))
		row(i, c)
	}
	c.number16(-1) // the end
	err := t.raw.copy(ctx, "COPY "+table+" ("+strings.Join(columns, ", ")+") FROM STDIN BINARY", c.out)
	if err != nil {
		return fmt.Errorf("write %s: %w", table, err)
	}
	return nil
}

// copyHead begins the binary form of COPY, without flags or an extension:
// https://www.postgresql.org/docs/current/sql-copy.html
const copyHead = "PGCOPY\n\377\r\n\000" + "\000\000\000\000" + "\000\000\000\000"

// copied is rows in the binary form of COPY: each field is its length in four
// bytes and its value.
type copied struct {
	out *bytes.Buffer
	buf [12]byte
}

func (c *copied) number16(n int) {
	c.out.Write(binary.BigEndian.AppendUint16(c.buf[:0], uint16(n))) //nolint:gosec // few columns, or -1
}

// long writes a bigint.
func (c *copied) long(n int64) {
	b := binary.BigEndian.AppendUint32(c.buf[:0], 8)
	c.out.Write(binary.BigEndian.AppendUint64(b, uint64(n))) //nolint:gosec // only its bits matter
}

// identifier writes that of an ask or a ticket; 0 is NULL: there is none.
func (c *copied) identifier(id int64) {
	if id == 0 {
		c.out.Write([]byte{0xff, 0xff, 0xff, 0xff})
		return
	}
	c.long(id)
}

// number writes an integer.
func (c *copied) number(n int) {
	b := binary.BigEndian.AppendUint32(c.buf[:0], 4)
	c.out.Write(binary.BigEndian.AppendUint32(b, uint32(n))) //nolint:gosec // a count of what fits into memory
}

// truth writes a boolean.
func (c *copied) truth(is bool) {
	b := append(binary.BigEndian.AppendUint32(c.buf[:0], 1), 0)
	if is {
		b[4] = 1
	}
	c.out.Write(b)
}

// bytes writes a bytea that is not NULL.
func (c *copied) bytes(b []byte) {
	c.out.Write(binary.BigEndian.AppendUint32(c.buf[:0], uint32(len(b)))) //nolint:gosec // PostgreSQL takes no more than 1 GB
	c.out.Write(b)
}

// text writes a text.
func (c *copied) text(s string) {
	c.out.Write(binary.BigEndian.AppendUint32(c.buf[:0], uint32(len(s)))) //nolint:gosec // PostgreSQL takes no more than 1 GB
	c.out.WriteString(s)
}
