package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
)

// streams are the three of the process.
type streams struct{ in, out, err *os.File }

// cli is what the commands share.
type cli struct {
	streams
	screen *screen // standard error: logs, talk and the progress bar
	log    zerolog.Logger
	config config.Config

	json, quiet, yes bool
	simulate         bool
}

// execute runs the command line and returns the exit code. What went wrong is
// one line on standard error; that nobody reads the output any more did not.
func execute(ctx context.Context, args []string, s streams) int {
	c := &cli{streams: s, screen: &screen{w: s.err}}
	root := c.root()
	root.SetArgs(args)
	checkWords(root)
	err := root.ExecuteContext(ctx)
	if c.unheeded(err) {
		return app.ExitUnread
	}
	if err != nil {
		fmt.Fprintln(c.screen, "plateq:", err)
	}
	return exitCode(err)
}

// exitCode adds to the codes of app what a server refused: that is a usage
// error where asking differently would help.
func exitCode(err error) int {
	if p, ok := errors.AsType[*client.Problem](err); ok && app.ExitCode(err) == app.ExitFailure {
		switch p.Status {
		case 400, 401, 403, 404, 406, 413, 415, 422:
			return app.ExitUsage
		}
	}
	return app.ExitCode(err)
}

const rootLong = `Look up large lists of vehicle plates at paid provider APIs: nothing lost,
nothing paid twice. Settings are environment variables: see plateq config.

Exit codes: 0 every row has its answer, 1 error, 2 wrong use or settings,
3 some rows failed, are invalid or unknown, 4 stopped by budget or credit,
5 credentials refused or provider out of reach, 130 interrupted, 141 whoever
read the output has stopped.`

const rootExample = `  plateq run fleet.csv -p attestr -o results.csv            look a list up, in one process
  plateq run fleet.csv -p attestr --simulate -o out.csv     the same as a rehearsal that costs nothing

  plateq up                                                 a service that takes lists
  plateq submit fleet.csv -p attestr --wait -o results.csv  hand it one`

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:                        "plateq",
		Short:                      "Look up large lists of vehicle plates at paid provider APIs",
		Long:                       rootLong,
		Example:                    rootExample,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Args:                       knownCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.screen)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return app.Usage(fmt.Errorf("%w: see %s --help", err, cmd.CommandPath()))
	})
	flags := root.PersistentFlags()
	flags.BoolVar(&c.json, "json", false, "JSON on standard output")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "no progress and no talk")
	flags.BoolVarP(&c.yes, "yes", "y", false, "answer every question with yes")
	root.AddCommand(
		c.runCommand(), c.upCommand(), c.serveCommand(), c.workerCommand(), c.schedulerCommand(), c.simulateCommand(),
		c.estimateCommand(), c.ledgerCommand(), c.budgetCommand(), c.submitCommand(), c.lookupCommand(), c.listCommand(), c.statusCommand(), c.resultsCommand(), c.diffCommand(), c.scheduleCommand(),
		c.pauseCommand(), c.resumeCommand(), c.cancelCommand(), c.pollCommand(), c.retryCommand(), c.unknownCommand(),
		c.providersCommand(), c.gateCommand(), c.hooksCommand(), c.keysCommand(),
		c.doctorCommand(), c.checkCommand(), c.auditCommand(), c.eraseCommand(), c.secretsCommand(), c.migrateCommand(), c.backupCommand(), c.restoreCommand(), c.configCommand(), c.versionCommand(), c.manCommand(),
	)
	c.complete(root)
	return root
}

// knownCommand refuses what is left over when the command was found: no command
// below it has that name.
func knownCommand(found *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	path := found.CommandPath()
	hint := "see " + path + " --help"
	if near := found.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "is it " + path + " " + strings.Join(near, " or "+path+" ") + "?"
	}
	return app.Usage(fmt.Errorf("there is no command %q: %s", args[0], hint))
}

// checkWords has the commands that cobra adds by itself refuse words that they
// do not know, as all others do. By itself it shows help and calls that well.
func checkWords(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				found, rest, _ := root.Find(args) // what it does not find is left over
				return knownCommand(found, rest)
			}
		case "completion":
			cmd.Args, cmd.SuggestionsMinimumDistance = knownCommand, root.SuggestionsMinimumDistance
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Args = wants()
			}
		}
	}
}

// wants checks that a command got exactly the arguments that names name.
func wants(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return app.Usage(fmt.Errorf("%s is missing: see %s --help", names[len(args)], cmd.CommandPath()))
		case len(args) > len(names):
			return app.Usage(fmt.Errorf("%q is one argument too many: see %s --help", args[len(names)], cmd.CommandPath()))
		}
		return nil
	}
}

// configure reads the environment and sets the log up. Every command that
// does something begins with it.
func (c *cli) configure() error {
	cfg, warnings, err := config.FromOS()
	if err != nil {
		return app.Usage(err)
	}
	c.config = cfg
	for _, w := range warnings {
		c.say("warning: %s", w)
	}
	level, err := zerolog.ParseLevel(cfg.LogLevel)
	if err != nil {
		return app.Usage(fmt.Errorf("PLATEQ_LOG_LEVEL: %w", err))
	}
	var w io.Writer = c.screen
	if cfg.LogFormat == "console" || cfg.LogFormat == "" && terminal(c.err) {
		w = zerolog.ConsoleWriter{Out: c.screen, TimeFormat: "15:04:05", NoColor: !terminal(c.err)}
	}
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	zerolog.TimestampFunc = func() time.Time { return time.Now().UTC() }
	c.log = zerolog.New(w).Level(level).With().Timestamp().Logger()
	return nil
}

// options returns how a service is opened.
func (c *cli) options() app.Options {
	return app.Options{Config: c.config, Simulate: c.simulate, Log: c.log}
}

// staying is options for a process that goes on until it is told to end.
func (c *cli) staying() app.Options {
	o := c.options()
	o.Stays = true
	return o
}

// calmly is options for commands that a person looks at: what they have to
// know is said by the command itself.
func (c *cli) calmly() app.Options {
	o := c.options()
	if o.Log.GetLevel() == zerolog.InfoLevel {
		o.Log = o.Log.Level(zerolog.WarnLevel)
	}
	return o
}

// say tells people something, on standard error.
func (c *cli) say(format string, args ...any) {
	if !c.quiet {
		fmt.Fprintf(c.screen, format+"\n", args...)
	}
}

// next says what to run next, and perhaps more about it in brackets.
func (c *cli) next(command string) {
	command, more, told := strings.Cut(command, " (")
	if told {
		more = " (" + more
	}
	c.say("next: %s%s", c.like(command), more)
}

// like is another command about the same store.
func (c *cli) like(command string) string {
	if c.simulate {
		command += " --simulate"
	}
	return "plateq " + command
}

// table reports whether people read standard output, rather than programs.
func (c *cli) table() bool { return !c.json && terminal(c.out) }

// terminal reports whether f is one, of Cygwin too. The null device is not,
// though it is a device of characters as well.
func terminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// simulated adds --simulate to a command.
func (c *cli) simulated(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&c.simulate, "simulate", false, usage)
}
