// Work measures how fast Plateq does its work, and what that costs, beside a
// hand-written loop without a queue, asynq and River doing the same. It starts
// all that it needs on free loopback ports, Redis, PostgreSQL, stand-ins of
// providers and the processes of Plateq, ends it, and writes docs/performance.md.
//
//	go run ./work -plateq ../bin/plateq -o ../docs/performance.md
//	go run ./work -plateq ../bin/plateq -quick -run 'single/(plateq|loop)'
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) == 2 && strings.HasPrefix(os.Args[1], "{") { // one of our own processes
		err = play(ctx, os.Args[1])
	} else {
		err = measure(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "work:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to end
	}
}

func measure(ctx context.Context) (err error) {
	plateq := flag.String("plateq", "../bin/plateq", "the program that is measured")
	only := flag.String("run", ".", "run only the cases that match, such as single/ or intake/plateq")
	quick := flag.Bool("quick", false, "small lists: shows that all of it works, not how fast")
	rounds := flag.Int("rounds", 3, "how often each case is run")
	out := flag.String("o", "", "write the page to this file, if all of it was measured at full size; it is printed in any case")
	note := flag.String("note", "", "what readers of the page are to know of this run, such as what else the machine did")
	keep := flag.Bool("keep", false, "keep the logs of all processes")
	flag.Parse()
	match, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("read -run: %w", err)
	}
	b, err := newBench(*plateq, *rounds, *quick, match)
	if err != nil {
		return err
	}
	b.note = *note
	defer func() { b.close(*keep || err != nil && ctx.Err() == nil) }()
	page, err := b.page(ctx)
	fmt.Print(page)
	if err != nil || *out == "" {
		return err
	}
	if *quick || *only != "." && *only != "" {
		fmt.Fprintln(os.Stderr, "not written: that was not all of it, or not at full size")
		return nil
	}
	return errors.Join(err, os.WriteFile(*out, []byte(page), 0o644)) //nolint:gosec // a page of the documentation
}
