// Pace measures how Plateq keeps to the limit of a provider: how much of it is
// used, and how much is refused. It starts all that it needs on free loopback
// ports, Redis, PostgreSQL, stand-ins and the processes of Plateq, ends it, and
// writes tables in Markdown.
//
//	go run ./pace -plateq ../bin/plateq
//	go run ./pace -plateq ../bin/plateq -seconds 20 -run 'told/' -parallel 2
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
	"time"
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
		fmt.Fprintln(os.Stderr, "pace:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to end
	}
}

// sections are the tables, in order.
func sections() []section {
	return []section{told(), outages(), learnt(), changes(), days(), polling()}
}

func measure(ctx context.Context) (err error) {
	plateq := flag.String("plateq", "../bin/plateq", "the program that is measured")
	seconds := flag.Int("seconds", 60, "how long the common case takes; others are longer or shorter in proportion")
	only := flag.String("run", "", "run only the cases that match, such as told/ or learnt/.*20")
	out := flag.String("o", "", "write the tables to this file too")
	atOnce := flag.Int("parallel", 1, "cases that run side by side")
	keep := flag.Bool("keep", false, "keep the logs of all processes")
	verbose := flag.Bool("v", false, "write how many requests were answered and refused in each second")
	flag.Parse()
	match, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("read -run: %w", err)
	}
	l, err := newLab(*plateq, time.Duration(*seconds)*time.Second)
	if err != nil {
		return err
	}
	defer func() { l.close(*keep || err != nil && ctx.Err() == nil) }()
	l.verbose = *verbose
	var text strings.Builder
	err = report(ctx, l, &text, sections(), match, max(1, *atOnce))
	fmt.Print(text.String())
	if *out != "" {
		err = errors.Join(err, os.WriteFile(*out, []byte(text.String()), 0o600))
	}
	return err
}
