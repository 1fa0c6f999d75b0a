package sqlite

import (
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// conn is a connection with the few ways in which statements are run here.
// Statements are prepared once and kept by the connection.
type conn struct{ *sqlite.Conn }

// exec runs a statement that returns no rows.
func (c conn) exec(query string, args ...any) error {
	return c.each(query, nil, args...)
}

// each calls row for every row of a query. row must not run the same query.
func (c conn) each(query string, row func(*sqlite.Stmt) error, args ...any) error {
	stmt, err := c.Prepare(query)
	if err != nil {
		return err
	}
	for i, a := range args {
		bind(stmt, i+1, a)
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return reset(stmt, err)
		}
		if row == nil {
			continue
		}
		if err := row(stmt); err != nil {
			return reset(stmt, err)
		}
	}
}

// one calls row for the first row of a query and reports whether there is one.
func (c conn) one(query string, row func(*sqlite.Stmt), args ...any) (bool, error) {
	found := false
	err := c.each(query, func(stmt *sqlite.Stmt) error {
		row(stmt)
		found = true
		return errEnough
	}, args...)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// number returns the only column of the only row of a query; 0: no row.
func (c conn) number(query string, args ...any) (n int64, err error) {
	_, err = c.one(query, func(stmt *sqlite.Stmt) { n = stmt.ColumnInt64(0) }, args...)
	return n, err
}

// reset ends a statement and passes on err: SQLite repeats a failed step's
// error from the reset, so that one is left out.
func reset(stmt *sqlite.Stmt, err error) error {
	if r := stmt.Reset(); err == nil {
		err = r
	}
	return err
}

// bind takes the types that columns are made of. Another type is a fault in
// this package, not in the data.
func bind(stmt *sqlite.Stmt, i int, arg any) {
	switch v := arg.(type) {
	case nil:
		stmt.BindNull(i)
	case int:
		stmt.BindInt64(i, int64(v))
	case int64:
		stmt.BindInt64(i, v)
	case store.BatchNo:
		stmt.BindInt64(i, int64(v))
	case store.AskID:
		stmt.BindInt64(i, int64(v))
	case store.RowID:
		stmt.BindInt64(i, int64(v))
	case store.CallID:
		stmt.BindInt64(i, int64(v))
	case store.TicketID:
		stmt.BindInt64(i, int64(v))
	case store.HookNo:
		stmt.BindInt64(i, int64(v))
	case store.DeliveryNo:
		stmt.BindInt64(i, int64(v))
	case store.State:
		stmt.BindInt64(i, int64(v))
	case bool:
		stmt.BindBool(i, v)
	case float64:
		stmt.BindFloat(i, v)
	case string:
		stmt.BindText(i, v)
	case store.BatchState:
		stmt.BindText(i, string(v))
	case store.WorkerID:
		stmt.BindText(i, string(v))
	case store.CallState:
		stmt.BindInt64(i, int64(v))
	case []byte:
		stmt.BindBytes(i, v)
	case time.Time:
		stmt.BindInt64(i, millis(v))
	case time.Duration:
		stmt.BindInt64(i, v.Milliseconds())
	default:
		panic(fmt.Sprintf("bind %T", arg))
	}
}

// optional makes NULL of no bytes.
func optional(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// Times are whole milliseconds since 1970, the zero time is 0.

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func columnTime(stmt *sqlite.Stmt, i int) time.Time { return fromMillis(stmt.ColumnInt64(i)) }

func columnDuration(stmt *sqlite.Stmt, i int) time.Duration {
	return time.Duration(stmt.ColumnInt64(i)) * time.Millisecond
}

func columnBytes(stmt *sqlite.Stmt, i int) []byte {
	b := make([]byte, stmt.ColumnLen(i))
	stmt.ColumnBytes(i, b)
	return b
}

func columnBatch(stmt *sqlite.Stmt, i int) store.BatchNo {
	return store.BatchNo(stmt.ColumnInt64(i)) //nolint:gosec // only batch numbers are stored there
}

func columnAsk(stmt *sqlite.Stmt, i int) store.AskID { return store.AskID(stmt.ColumnInt64(i)) }

// step runs a bound statement that returns no rows, for loops that bind by
// hand.
func step(stmt *sqlite.Stmt) error {
	_, err := stmt.Step()
	return reset(stmt, err)
}
