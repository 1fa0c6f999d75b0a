// Faults breaks what a queue stands on while it looks a list up, and counts
// what is paid twice and what is lost: with asynq as it comes and a task for
// each plate, and with Plateq, side by side. Both ask the same stand-in, one
// plate a call, ten calls at once, by two workers.
//
//	go run ./faults -plateq ../bin/plateq
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

	"github.com/plateq/plateq/internal/chaos"
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
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to end
	}
}

func measure(ctx context.Context) error {
	l := lab{}
	flag.StringVar(&l.plateq, "plateq", "../bin/plateq", "the program that is measured")
	flag.IntVar(&l.rows, "rows", 600, "plates of a list")
	flag.IntVar(&l.parallel, "parallel", 4, "how many lists are looked up at once, each over servers of its own")
	only := flag.String("run", ".", "run only the cases that match, such as killed/ or /asynq")
	out := flag.String("o", "", "page into which the table is written; it is printed in any case")
	flag.Parse()
	var err error
	if l.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("read -run: %w", err)
	}
	if l.self, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if l.dir, err = os.MkdirTemp("", "faults-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	table, err := l.run(ctx)
	if err == nil {
		err = os.RemoveAll(l.dir)
	} else {
		fmt.Fprintln(os.Stderr, "logs are in", l.dir)
	}
	fmt.Print(table)
	if err != nil || *out == "" {
		return err
	}
	page, err := os.ReadFile(*out)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	text, err := chaos.Replace(string(page), "peers", table)
	return errors.Join(err, os.WriteFile(*out, []byte(text), 0o644)) //nolint:gosec // a page of the documentation
}
