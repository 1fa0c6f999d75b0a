// Command plateq looks up large lists of vehicle plates at paid provider APIs:
// nothing lost, nothing paid twice. This package parses flags and prints; the
// work is done behind internal/app.
package main

//go:generate go test -run=^TestReference$ . -args -update

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // daily resets have zones, images have no files of them

	"github.com/plateq/plateq/internal/app"
)

func main() {
	collectSeldom(collectAt, usually)
	ctx, stop := context.WithCancel(context.Background())
	outlivePipes()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup has it ignored
		signal.Notify(signals, syscall.SIGHUP) // a terminal that is gone kills nobody on the spot
	}
	go func() {
		<-signals // the first: let what is in flight end
		stop()
		for second := range signals { // now
			if second != syscall.SIGHUP { // of one terminal both the shell and the system tell
				os.Exit(app.ExitInterrupted)
			}
		}
	}()
	os.Exit(execute(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
