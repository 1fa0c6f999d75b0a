package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const scheduleLong = `Repeat lists at times: at each of them a new batch is made of the rows of one
that is there, by plateq up or scheduler. plateq diff says what changed since
the run before.

All is asked anew, and paid for, unless --known is given. Of times that were
missed one is made up for. A run does not begin while that before it is not
finished, unless --overlap is given.`

func (c *cli) scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Repeat lists at times",
		Long:  scheduleLong,
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		c.scheduleAddCommand(), c.scheduleListCommand(),
		c.ofSchedule("show", "Show a schedule and its last runs", (*client.Client).Schedule),
		c.ofSchedule("pause", "Stop a schedule; a run that has begun goes on", (*client.Client).PauseSchedule),
		c.ofSchedule("resume", "Go on with a schedule at its next time", (*client.Client).ResumeSchedule),
		c.ofSchedule("run-now", "Have a schedule run now, once", (*client.Client).RunSchedule),
		c.ofSchedule("remove", "Forget a schedule; its batches stay", (*client.Client).RemoveSchedule),
	)
	return cmd
}

func (c *cli) scheduleAddCommand() *cobra.Command {
	var r client.ScheduleRequest
	cmd := &cobra.Command{
		Use:   "add BATCH --cron CRON",
		Short: "Repeat the list of a batch",
		Long:  scheduleLong,
		Example: `  plateq schedule add b_… --cron @monthly
  plateq schedule add b_… --cron "0 6 1 * *" --zone Asia/Kolkata --max-cost 500`,
		Args: wants("BATCH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.Cron == "" {
				return app.Usage(fmt.Errorf("--cron CRON is missing: see %s --help", cmd.CommandPath()))
			}
			r.Batch = args[0]
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				s, err := cl.AddSchedule(cmd.Context(), r)
				if err != nil {
					return fmt.Errorf("schedule %s: %w", r.Batch, err)
				}
				return c.showSchedule(s)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Cron, "cron", "", `when: minute, hour, day of month, month, day of week, such as "0 6 1 * *", or @daily, @weekly, @monthly`)
	f.StringVar(&r.Zone, "zone", "UTC", "time zone of --cron, such as Asia/Kolkata")
	f.BoolVar(&r.Overlap, "overlap", false, "begin a run though that before it is not finished")
	f.BoolVar(&r.Known, "known", false, "be content with known answers that are fresh")
	f.StringVar(&r.MaxCost, "max-cost", "", "pause a run before it costs more than this amount")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// ofSchedule makes a command about one schedule.
func (c *cli) ofSchedule(verb, short string, do func(*client.Client, context.Context, string) (client.Schedule, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:     verb + " SCHEDULE",
		Short:   short,
		Example: "  plateq schedule " + verb + " s_…",
		Args:    wants("SCHEDULE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				s, err := do(cl, cmd.Context(), args[0])
				if errors.Is(err, &client.Problem{Code: "no_such_schedule"}) {
					return fmt.Errorf("%s %s: %w: see plateq schedule list", verb, args[0], err)
				}
				if err != nil {
					return err
				}
				if verb == "remove" {
					c.say("schedule %s is removed; its batches stay", s.ID)
					return nil
				}
				return c.showSchedule(s)
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) scheduleListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List schedules, oldest first",
		Example: "  plateq schedule list",
		Args:    wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				all, err := cl.Schedules(cmd.Context())
				if err != nil {
					return err
				}
				return c.listSchedules(all)
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) listSchedules(all []client.Schedule) error {
	t := c.sheet("schedule", "SCHEDULE", "BATCH", "NAME", "CRON", "ZONE", "NEXT", "LAST")
	for _, s := range all {
		last := ""
		if len(s.Runs) > 0 {
			last = runWords(s.Runs[0])
		}
		if err := t.add(s, s.ID, s.Batch, printable(s.Name), printable(s.Cron), s.Zone, nextWords(s), last); err != nil {
			return err
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	if len(all) == 0 {
		c.say("there is no schedule")
		c.next(`schedule add BATCH --cron "0 6 1 * *"`)
	}
	return nil
}

// showSchedule writes one schedule and its runs.
func (c *cli) showSchedule(s client.Schedule) error {
	if !c.table() {
		if err := json.NewEncoder(c.out).Encode(s); err != nil {
			return fmt.Errorf("write schedule: %w", err)
		}
		return nil
	}
	if err := c.listSchedules([]client.Schedule{s}); err != nil {
		return err
	}
	for _, r := range s.Runs {
		if _, err := fmt.Fprintf(c.out, "  %s  %s\n", r.DueAt.Local().Format(time.DateTime), runWords(r)); err != nil {
			return fmt.Errorf("write schedule: %w", err)
		}
	}
	c.next("schedule list")
	return nil
}

func nextWords(s client.Schedule) string {
	switch {
	case s.AskedAt != nil:
		return "now"
	case s.NextAt == nil:
		return "paused"
	}
	return s.NextAt.Local().Format(time.DateTime)
}

func runWords(r client.ScheduleRun) string {
	switch {
	case r.Batch != nil:
		return *r.Batch
	case r.Reason != nil:
		return "none: " + printable(*r.Reason)
	}
	return "its batch is gone"
}
