package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/export"
)

// writeProblems writes what is wrong with the list in f where --problems says,
// and goes back to its beginning.
func (c *cli) writeProblems(ctx context.Context, cl *client.Client, list listFlags, o client.SubmitOptions, f *os.File) error {
	if list.problems == "" {
		return nil
	}
	format, err := list.problemsFormat(f)
	if err != nil {
		return err
	}
	err = export.ToFile(list.problems, c.out, func(w io.Writer) error {
		return asMedia(format, w, func(media client.Format, w io.Writer) error { return cl.Problems(ctx, o, f, media, w) })
	})
	if err != nil {
		return c.whyNoProblems(ctx, cl, o, f, err)
	}
	c.say("problems: %s", list.problems)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the list again: %w", err)
	}
	return nil
}

// whyNoProblems returns why the problems of a list broke off: most often
// because it is no list, which an estimate says in more words.
func (c *cli) whyNoProblems(ctx context.Context, cl *client.Client, o client.SubmitOptions, f *os.File, broke error) error {
	if _, err := f.Seek(0, io.SeekStart); err == nil {
		if _, err := cl.Estimate(ctx, o, f); err != nil {
			return err
		}
	}
	return fmt.Errorf("write problems: %w", broke)
}

// problemsFormat is how --problems is written. The list is read once for it,
// and once more.
func (l *listFlags) problemsFormat(f *os.File) (export.Format, error) {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", app.Usage(errors.New("--problems: a pipe can be read only once: give a file"))
	}
	format, err := export.FormatOf(l.problems, "")
	if err != nil {
		return "", app.Usage(fmt.Errorf("--problems: %w", err))
	}
	return format, nil
}

// asMedia fetches what a server sends in some form as one that files have.
func asMedia(format export.Format, w io.Writer, fetch func(client.Format, io.Writer) error) error {
	switch format {
	case export.CSV:
		return fetch(client.CSV, w)
	case export.XLSX:
		return fetch(client.XLSX, w)
	case export.JSON:
		array := export.NewArray(w)
		return errors.Join(fetch(client.NDJSON, array), array.Close())
	default:
		return fetch(client.NDJSON, w)
	}
}
