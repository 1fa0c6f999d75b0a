package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/plateq/plateq/internal/app"
)

// outlivePipes has a write to standard output or standard error fail whose
// reader is gone, as any other write does. Without it the process would be
// killed on the spot, with calls in flight that are paid for.
func outlivePipes() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // nobody need receive: the writer gets the error
}

// several is what errors.Join makes.
type several interface {
	error
	Unwrap() []error
}

// unheeded reports whether all that err says is that the reader of standard
// output has stopped, as head does when it has its lines.
func (c *cli) unheeded(err error) bool {
	if _, said := errors.AsType[*app.ExitError](err); said || err == nil {
		return false
	}
	if all, ok := errors.AsType[several](err); ok {
		for _, one := range all.Unwrap() {
			if !c.unheeded(one) {
				return false
			}
		}
		return true
	}
	p, ok := errors.AsType[*fs.PathError](err)
	return ok && p.Path == c.out.Name() && errors.Is(p, syscall.EPIPE)
}

// lost is the error of a command that could not write what nobody is shown a
// second time. Whoever stopped reading hears of it.
func lost(what string, err error) error {
	return &app.ExitError{Code: app.ExitFailure, Err: fmt.Errorf("write %s: %w", what, err)}
}
