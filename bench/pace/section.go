package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// section is one table of the report.
type section struct {
	name  string // as -run finds its cases: name/case
	title string
	head  []string
	cases []trial
}

// trial is one case: one row of the table, or several.
type trial struct {
	name string
	run  func(context.Context, *lab) ([][]string, error)
}

// add puts a case at the end.
func (s *section) add(name string, run func(context.Context, *lab) ([][]string, error)) {
	s.cases = append(s.cases, trial{name, run})
}

// longest is how long a case may take beyond the lab's span, times ten.
const longest = 3 * time.Minute

// report runs the cases that match, so many side by side, and writes the
// tables in their order. One that fails is a row that says so.
func report(ctx context.Context, l *lab, to io.Writer, all []section, only *regexp.Regexp, atOnce int) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	rows := make([][][][]string, len(all))
	var failed error
	for i, s := range all {
		rows[i] = make([][][]string, len(s.cases))
		for j, c := range s.cases {
			if !only.MatchString(s.name + "/" + c.name) {
				continue
			}
			g.Go(func() error {
				fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), s.name+"/"+c.name)
				ctx, cancel := context.WithTimeout(ctx, 10*l.span+longest)
				defer cancel()
				got, err := c.run(ctx, l)
				if err != nil {
					got = [][]string{{c.name, "failed: " + err.Error()}}
				}
				rows[i][j] = got
				for _, row := range got {
					fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), strings.Join(row, " | "))
				}
				if err != nil {
					return fmt.Errorf("%s/%s: %w", s.name, c.name, err)
				}
				return nil
			})
		}
	}
	failed = g.Wait()
	for i, s := range all {
		if err := s.write(to, rows[i]); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return failed
}

// write writes the section as Markdown, if any of its cases was run.
func (s section) write(to io.Writer, rows [][][]string) error {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	fmt.Fprintf(&b, "### %s\n\n", s.title)
	line(s.head)
	fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(s.head)))
	n := 0
	for _, one := range rows {
		for _, row := range one {
			n++
			line(row)
		}
	}
	if n == 0 {
		return nil
	}
	_, err := fmt.Fprintln(to, b.String())
	return err
}

// percent writes a share as people read it.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// refusals writes how much was refused, and how many.
func refusals(l log) string { return fmt.Sprintf("%.2f %% (%d)", 100*l.refusedShare(), l.refused()) }

// processes writes how many workers there were.
func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}
