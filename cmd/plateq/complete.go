package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const (
	// offered is how many batches a shell is offered, the newest.
	offered = 50
	// offerTimeout bounds how long somebody waits who has pressed a key.
	offerTimeout = 2 * time.Second
)

// choices are the words of flags that take one of a few, by command. Those of
// "" hold wherever the command has no other.
func choices() map[string]map[string][]string {
	return map[string]map[string][]string{
		"": {
			"format":   {"csv", "xlsx", "json", "jsonl"},
			"encoding": {"windows-1251", "koi8-r", "cp866", "windows-1252", "utf-16le", "utf-16be"},
		},
		"plateq doctor":           {"format": {"text", "json"}},
		"plateq simulate":         {"preset": {"demo", "fast", "hostile"}},
		"plateq ledger":           {"by": {"batch", "day", "month", "provider", "currency"}},
		"plateq list":             {"state": {"running", "paused", "done", "cancelled"}},
		"plateq hooks deliveries": {"state": {"pending", "delivered", "failed"}},
		"plateq keys create":      {"scope": {"submit", "read", "read:pii", "operate", "admin"}},
	}
}

// complete lets shells complete ids of batches, names of providers and words of
// a few, wherever a command takes one, and files where it takes one of these.
func (c *cli) complete(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		c.complete(sub)
	}
	if n := batchesTaken(cmd); n > 0 {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) >= n {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return c.offerBatches(cmd.Context()), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		}
	}
	if cmd.ValidArgsFunction == nil && !strings.Contains(cmd.Use, "FILE") && !strings.Contains(cmd.Use, "DIR") {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	all := choices()
	for _, at := range []string{cmd.CommandPath(), ""} { // what is registered first stays
		for name, words := range all[at] {
			if cmd.Flags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
			}
		}
	}
	for name, offer := range map[string]func(context.Context) []cobra.Completion{"batch": c.offerBatches, "provider": c.offerProviders} {
		if cmd.Flags().Lookup(name) == nil {
			continue
		}
		_ = cmd.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return offer(cmd.Context()), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		}) // the flag is there
	}
}

// batchesTaken is how many arguments of a command are ids of batches.
func batchesTaken(cmd *cobra.Command) int {
	words := strings.Fields(cmd.Use)
	n := 0
	for n+1 < len(words) && slices.Contains([]string{"BATCH", "OLDER", "NEWER"}, words[n+1]) {
		n++
	}
	return n
}

// offerBatches lists the newest batches of the server. A store is not opened for
// it, and what goes wrong is not told: the shell has the line.
func (c *cli) offerBatches(ctx context.Context) []cobra.Completion {
	c.quiet = true
	ctx, stop := context.WithTimeout(ctx, offerTimeout)
	defer stop()
	if c.configure() != nil {
		return nil
	}
	cl, err := c.server(ctx)
	if err != nil {
		return nil
	}
	var all []cobra.Completion
	for b, err := range cl.Batches(ctx, client.BatchesOptions{}) {
		if err != nil || len(all) == offered {
			break
		}
		all = append(all, cobra.CompletionWithDesc(b.ID, strings.Join([]string{string(b.State), b.Provider, printable(b.Name)}, " ")))
	}
	return all
}

// offerProviders lists all providers, set up or not.
func (c *cli) offerProviders(context.Context) []cobra.Completion {
	c.quiet = true
	if c.configure() != nil {
		return nil
	}
	specs, err := app.Catalogue(c.config)
	if err != nil {
		return nil
	}
	names := make([]cobra.Completion, len(specs))
	for i, s := range specs {
		names[i] = cobra.CompletionWithDesc(s.Name, s.Title)
	}
	return names
}
