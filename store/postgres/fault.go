package postgres

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plateq/plateq/store"
)

// Codes of errors on which something is decided.
const (
	codeSerialization   = "40001"
	codeDeadlock        = "40P01"
	codeUnique          = "23505"
	codeLockUnavailable = "55P03"
	codeDiskFull        = "53100"
	codeCancelled       = "57014" // by a timeout of the session
	codeReadOnly        = "25006" // it has become a standby
	codeIdle            = "25P03"
	codeAuthorization   = "28000"
)

// classify names what is wrong with the server or the way to it. Other errors
// pass.
func classify(err error) error {
	_, unsure := errors.AsType[*unsureError](err)
	switch {
	case err == nil, errors.Is(err, store.ErrFull), errors.Is(err, store.ErrAway), is[*store.ReachError](err):
		return err
	case code(err) == codeDiskFull:
		return &store.Fault{Kind: store.ErrFull, Cause: err}
	case unsure, errors.Is(err, errAgain), away(err):
		return &store.Fault{Kind: store.ErrAway, Cause: err}
	default:
		return err
	}
}

// away reports whether the server cannot be used now and may be later.
func away(err error) bool {
	if c := code(err); c != "" {
		switch c {
		case codeCancelled, codeReadOnly, codeIdle, codeLockUnavailable, codeSerialization, codeDeadlock:
			return true
		}
		switch c[:2] {
		case "08", "53", "57": // connections, resources, the operator
			return true
		}
		return false
	}
	return lost(err)
}

// lost reports whether the connection has failed, or could not be made.
func lost(err error) bool {
	if c := code(err); c != "" {
		return c[:2] == "08" || c[:3] == "57P"
	}
	if _, connect := errors.AsType[*pgconn.ConnectError](err); connect {
		return true // also when that took too long
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// repeatable reports whether a transaction that failed so, before its commit,
// may simply be tried again.
func repeatable(err error) bool {
	switch code(err) {
	case codeSerialization, codeDeadlock, codeUnique:
		return true
	}
	return errors.Is(err, errAgain)
}

// decided reports whether a commit that failed so is known to have had no
// effect: the server has said so and went on. If it ended the session, it may
// have committed before.
func decided(err error) bool {
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return true
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.SeverityUnlocalized == "ERROR"
}

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && len(e.Code) == 5 {
		return e.Code
	}
	return ""
}
