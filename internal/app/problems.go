package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
)

// problems writes down which rows of the list are invalid or odd, before it is
// accepted. The list is read through for it, and once more later.
func (r *run) problems(ctx context.Context) error {
	path := r.opts.Problems
	if path == "" {
		return nil
	}
	if st, err := r.in.Stat(); err != nil || !st.Mode().IsRegular() {
		return Usage(errors.New("--problems: a pipe can be read only once: give a file"))
	}
	format, err := export.FormatOf(path, "")
	if err != nil {
		return Usage(fmt.Errorf("--problems: %w", err))
	}
	err = export.ToFile(path, r.opts.Stdout, func(w io.Writer) error {
		rows, err := intake.Open(r.in, r.opts.Intake)
		if err != nil {
			return refusal(err)
		}
		o := export.Options{Format: format, Plain: r.opts.Export.Plain}
		return refusal(api.WriteProblems(ctx, w, o, rows, func(int) error { return nil }))
	})
	if err != nil {
		return err
	}
	if _, err := r.in.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s again: %w", r.opts.In, err)
	}
	return nil
}
