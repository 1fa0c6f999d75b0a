package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

const migrateLong = `Bring the schema of the store to the newest version. Every start of plateq
does so too; this does it apart, for instance before a new version is rolled out.

With --to everything in the SQLite store is copied into an empty PostgreSQL:
lists that run go on there, and nothing is asked twice. The SQLite store is then
marked and refused. Stop plateq up first. A password need not be in the URL:
PGPASSFILE and ~/.pgpass are read.`

type migrateFlags struct {
	status, undo bool
	to           string
}

func (c *cli) migrateCommand() *cobra.Command {
	var f migrateFlags
	cmd := &cobra.Command{
		Use:   "migrate [--status | --to URL | --undo]",
		Short: "Bring the store to the newest schema, or move it to PostgreSQL",
		Long:  migrateLong,
		Example: `  plateq migrate --status                              exit 1 where something is pending
  plateq migrate
  plateq migrate --to postgres://plateq@db/plateq      from SQLite to an empty PostgreSQL`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.status && f.undo || f.to != "" && (f.status || f.undo) {
				return app.Usage(errors.New("--status, --to and --undo: give one of them"))
			}
			if err := c.configure(); err != nil {
				return err
			}
			switch {
			case f.status:
				return c.schemaStatus(cmd.Context())
			case f.to != "":
				return c.moveTo(cmd.Context(), f.to)
			case f.undo:
				return c.undoMove(cmd.Context())
			}
			return c.migrate(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&f.status, "status", false, "say how the schema stands and change nothing")
	cmd.Flags().StringVar(&f.to, "to", "", "the postgres:// `URL` of an empty database to move to")
	cmd.Flags().BoolVar(&f.undo, "undo", false, "use an SQLite store again that was moved; needs --yes")
	return cmd
}

func (c *cli) schemaStatus(ctx context.Context) error {
	s, err := app.Schema(ctx, c.calmly())
	if err != nil {
		return err
	}
	if c.json {
		err = json.NewEncoder(c.out).Encode(map[string]any{"has": s.Has, "knows": s.Knows, "pending": append([]string{}, s.Pending...)})
	} else {
		_, err = fmt.Fprintf(c.out, "schema %d, this version knows %d\n", s.Has, s.Knows)
		for _, name := range s.Pending {
			fmt.Fprintln(c.out, "pending:", name)
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("write status: %w", err)
	case s.Err() != nil:
		return s.Err()
	case len(s.Pending) > 0:
		return fmt.Errorf("%d migrations are pending: plateq migrate applies them", len(s.Pending))
	}
	c.say("nothing is pending")
	return nil
}

func (c *cli) migrate(ctx context.Context) error {
	before, err := app.Migrate(ctx, c.calmly())
	if err != nil {
		return err
	}
	if before.Has == before.Knows {
		c.say("schema %d: nothing was pending", before.Has)
	} else {
		c.say("schema %d, was %d", before.Knows, before.Has)
	}
	c.next("check")
	return nil
}

func (c *cli) moveTo(ctx context.Context, url string) error {
	m, err := app.MoveTo(ctx, c.calmly(), url)
	if err != nil {
		return err
	}
	if c.json {
		err = json.NewEncoder(c.out).Encode(map[string]any{"already_there": m.Again, "records": m.Records, "key_file": m.KeyFile})
	} else if m.Again {
		_, err = fmt.Fprintln(c.out, "everything had been copied already")
	} else {
		_, err = fmt.Fprintf(c.out, "copied and checked: %d batches, %d rows, %d asks, %d calls, %d tickets, %d answers\n",
			m.Records["batches"], m.Records["rows"], m.Records["asks"], m.Records["calls"], m.Records["tickets"], m.Records["answers"])
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	c.say("the SQLite store is marked as moved and will be refused")
	where := "the PLATEQ_ENCRYPTION_KEYS, PLATEQ_INDEX_KEY and PLATEQ_ENQUEUE_KEY that it had"
	if m.KeyFile != "" {
		where = "the three variables in " + m.KeyFile
	}
	c.say("from now on every process needs PLATEQ_DATABASE_URL, PLATEQ_REDIS_URL and %s", where)
	c.say("next: plateq check, with these set")
	return nil
}

func (c *cli) undoMove(ctx context.Context) error {
	if !c.yes {
		return app.Usage(errors.New("--undo: if anything ran on the PostgreSQL since, what it paid for would be paid for again: add --yes where nothing did, and drop the copy"))
	}
	was, err := app.UndoMove(ctx, c.calmly())
	if err != nil {
		return err
	}
	if was.At.IsZero() {
		c.say("the store was not moved")
	} else {
		c.say("the SQLite store can be used again")
	}
	c.next("check")
	return nil
}
