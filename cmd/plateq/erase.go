package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

const eraseLong = `Erase everything that is held on a person or a vehicle: rows of lists, what was
asked and answered, raw answers, notes, hints of webhooks. Rows stay in their
lists and are counted, with nothing in them, and what was paid stays in the
ledger. What is queued is not asked any more; the answer to what is on its way is
not kept. A mobile, name or hash is looked for in all that was answered, and the
vehicles that are found with it are erased too.

They are suppressed from then on: a row about them is invalid, costs nothing, and
nothing of it is kept, until --allow.

A value is what follows the flag or, so that it does not stay in the history of
the shell, @FILE with one on each line, or @- for standard input.

With SQLite, stop plateq first. The whole store is searched, at least twice; it
can be cut off at any moment, and the next start goes on. The file
plateq-data/erasures holds keyed hashes of who was erased, and is in no backup:
by it an old copy of the store is brought up to date before it is used. Keep it
with the keys.`

// eraseFlags are what a person says.
type eraseFlags struct {
	values map[app.PersonKind]*[]string
	reason string
	proof  string
	dry    bool
	allow  bool
	export bool
	list   bool
}

func (c *cli) eraseCommand() *cobra.Command {
	o := eraseFlags{values: map[app.PersonKind]*[]string{}}
	cmd := &cobra.Command{
		Use:   "erase",
		Short: "Erase what is held on a person or a vehicle, or export it",
		Long:  eraseLong,
		Example: `  plateq erase --plate DL01AA1000 --dry-run
  plateq erase --plate DL01AA1000 --mobile @- --reason 'request 17'
  plateq erase --plate DL01AA1000 --export > held.json
  plateq erase --plate DL01AA1000 --allow --reason 'a new contract'
  plateq erase --list
  plateq erase --proof e_… > act.json`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.erase(cmd.Context(), o) },
	}
	f := cmd.Flags()
	for _, k := range []struct {
		kind app.PersonKind
		flag string
		of   string
	}{
		{app.ByPlate, "plate", "a plate, VIN or body number"}, {app.ByMobile, "mobile", "a telephone number"},
		{app.ByName, "name", "a name, in any order"}, {app.ByHash, "passport-hash", "a hash of a passport, or of name and birth"},
	} {
		values := &[]string{}
		o.values[k.kind] = values
		f.StringArrayVar(values, k.flag, nil, k.of+"; several times, @FILE or @-")
	}
	f.StringVar(&o.reason, "reason", "", "why, for the record: the number of the request, say")
	f.BoolVar(&o.dry, "dry-run", false, "count what would be erased, and change nothing")
	f.BoolVar(&o.allow, "allow", false, "let them be collected again; the reason is in the audit log, so let it name nobody")
	f.BoolVar(&o.export, "export", false, "print everything that is held on them, as JSON")
	f.BoolVar(&o.list, "list", false, "list what was erased")
	f.StringVar(&o.proof, "proof", "", "print the record of an erasure, as JSON")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "allow", "export", "list", "proof")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) erase(ctx context.Context, o eraseFlags) (err error) {
	who, err := c.persons(o)
	if err != nil {
		return app.Usage(err)
	}
	records := o.list || o.proof != ""
	switch {
	case len(who) == 0 && !records:
		return app.Usage(errors.New("say who: --plate, --mobile, --name or --passport-hash: see plateq erase --help"))
	case len(who) > 0 && records:
		return app.Usage(errors.New("--list and --proof take no values"))
	case (o.reason == "") == (len(who) > 0 && !o.dry && !o.export):
		return app.Usage(errors.New("to erase and to --allow need a --reason, which is kept on record, and nothing else takes one"))
	}
	if err := c.configure(); err != nil {
		return err
	}
	e, err := app.OpenErasing(ctx, c.calmly(), who)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	switch {
	case records:
		return c.erasures(ctx, e, o.proof)
	case o.export:
		return c.exportHeld(ctx, e)
	case o.allow:
		return c.allow(ctx, e, o.reason)
	case o.dry:
		return c.wouldErase(ctx, e)
	}
	return c.carryOut(ctx, e, o.reason)
}

// persons reads the values of the flags.
func (c *cli) persons(o eraseFlags) ([]app.Person, error) {
	var who []app.Person
	for _, kind := range []app.PersonKind{app.ByPlate, app.ByMobile, app.ByName, app.ByHash} {
		for _, text := range *o.values[kind] {
			values, err := c.valuesOf(text)
			if err != nil {
				return nil, err
			}
			for _, v := range values {
				who = append(who, app.Person{Kind: kind, Value: v})
			}
		}
	}
	return who, nil
}

func (c *cli) valuesOf(text string) ([]string, error) {
	name, file := strings.CutPrefix(text, "@")
	if !file {
		return []string{text}, nil
	}
	var in io.Reader = c.in
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the path is the operator's
		if err != nil {
			return nil, fmt.Errorf("read values: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	var values []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if v := strings.TrimSpace(lines.Text()); v != "" {
			values = append(values, v)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read values: %w", err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("read values: %s holds none", text)
	}
	return values, nil
}

// sweeping says how far a search has come.
func (c *cli) sweeping() func(int) {
	said := 0
	return func(seen int) {
		if seen-said >= rotateEvery {
			said = seen
			c.say("%d values were searched", seen)
		}
	}
}

func (c *cli) wouldErase(ctx context.Context, e *app.Erasing) error {
	found, err := e.Search(ctx, c.sweeping())
	if err != nil {
		return err
	}
	if err := c.write(map[string]int{"rows": found.Counts.Rows, "questions": found.Counts.Questions}); err != nil {
		return err
	}
	c.say("%d rows and %d questions with their answers would be erased, and nothing was changed", found.Counts.Rows, found.Counts.Questions)
	c.unread(found.Damaged)
	c.next("erase … --reason TEXT")
	return nil
}

func (c *cli) unread(n int) {
	if n > 0 {
		c.say("%d values cannot be opened and were not searched: they are damaged, or sealed with a key that is not given", n)
	}
}

func (c *cli) carryOut(ctx context.Context, e *app.Erasing, reason string) error {
	if !c.agreed("Erase them for good, in every list?") {
		return app.Usage(errors.New("nothing was erased"))
	}
	done, err := e.Erase(ctx, reason, c.sweeping())
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	if err := c.write(proofOf(e, done)); err != nil {
		return err
	}
	c.say("%d rows, %d questions and %d answers were erased; a search in the end found nothing", done.Erased.Rows, done.Erased.Questions, done.Erased.Answers)
	c.unread(done.Unread)
	c.say("not reached: backups and files that were exported before, and directories before-restore-…")
	c.next("erase --proof " + done.ID)
	return nil
}

func (c *cli) allow(ctx context.Context, e *app.Erasing, reason string) error {
	n, err := e.Allow(ctx, reason)
	if err != nil {
		return fmt.Errorf("allow: %w", err)
	}
	if err := c.write(map[string]int{"allowed": n}); err != nil {
		return err
	}
	c.say("%d of them were suppressed, and may be collected again", n)
	c.next("audit list --kind person.allowed")
	return nil
}

func (c *cli) exportHeld(ctx context.Context, e *app.Erasing) error {
	rows := []app.Held{}
	found, err := e.Export(ctx, c.sweeping(), func(h app.Held) error {
		rows = append(rows, h)
		return nil
	})
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	out := json.NewEncoder(c.out)
	out.SetIndent("", "  ")
	if err := out.Encode(map[string]any{"rows": rows}); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	c.say("%d rows; it is in the clear: keep it accordingly", len(rows))
	c.unread(found.Damaged)
	c.next("audit list --kind person.exported")
	return nil
}

// proof is the record of an erasure as it is handed on. It holds nothing of what
// was erased.
type proof struct {
	app.Erasure
	Store      string   `json:"store"`
	Categories []string `json:"categories"`
	Method     string   `json:"method"`
	Verified   bool     `json:"verified"`
}

func proofOf(e *app.Erasing, done app.Erasure) proof {
	p := proof{Erasure: done, Store: e.StoreID(), Categories: []string{}, Method: "overwritten in the store with empty sealed values, then searched for again", Verified: done.Passes > 1 && done.Unread == 0}
	for _, k := range []struct {
		n    int
		what string
	}{
		{done.Erased.Rows, "rows of customers' lists"}, {done.Erased.Questions, "identifiers that providers were asked about"},
		{done.Erased.Answers, "answers of providers"}, {done.Erased.Lists, "names of lists"},
		{done.Erased.Tickets + done.Erased.Notes + done.Erased.Hints, "notes on calls and webhooks"}, {done.Erased.Reasons, "reasons of decisions"},
	} {
		if k.n > 0 {
			p.Categories = append(p.Categories, k.what)
		}
	}
	return p
}

// erasures lists records or, with an id, prints one.
func (c *cli) erasures(ctx context.Context, e *app.Erasing, id string) error {
	if id != "" {
		done, err := e.Erasure(ctx, id)
		if err != nil {
			return err
		}
		return c.write(proofOf(e, done))
	}
	all, err := e.Erasures(ctx)
	if err != nil {
		return err
	}
	s := c.sheet("erasure", "ID", "AT", "BY", "REASON", "ROWS", "QUESTIONS", "ANSWERS", "ENDED")
	for _, done := range all {
		ended := "not yet"
		if !done.Ended.IsZero() {
			ended = done.Ended.Format(time.RFC3339)
		}
		err := s.add(proofOf(e, done), done.ID, done.At.Format(time.RFC3339), printable(done.By), printable(done.Reason),
			done.Erased.Rows, done.Erased.Questions, done.Erased.Answers, ended)
		if err != nil {
			return err
		}
	}
	if len(all) == 0 {
		c.say("nothing was erased yet")
	}
	c.next("erase --help")
	return nil
}

// write writes what programs read; people are told in words.
func (c *cli) write(v any) error {
	if err := json.NewEncoder(c.out).Encode(v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
