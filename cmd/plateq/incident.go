package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const incidentLong = `Gather what a report about a breach asks for: which lists were looked at or
fetched in a time, by whom and how often, how many rows they hold, what is known
of a row, what for, and which keys could read it. It reads the audit log and the
lists' records, and holds nothing personal. With --everything all lists count as
taken, whoever looked at them: so it is where the database itself was copied.`

func (c *cli) auditIncidentCommand() *cobra.Command {
	var o client.AuditOptions
	everything := false
	cmd := &cobra.Command{
		Use:   "incident --since TIME",
		Short: "Gather what a report about a breach asks for",
		Long:  incidentLong,
		Example: `  plateq audit incident --since 2026-11-19
  plateq audit incident --since 2026-11-19T22:00:00Z --to 2026-11-20 --json > incident.json
  plateq audit incident --since 2026-11-19 --everything`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.From == "" {
				return app.Usage(errors.New("--since is missing: the day or time from which on it may have been open"))
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error { return c.incident(cmd.Context(), cl, o, everything) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.From, "since", "", "from a day on (UTC), or a time")
	f.StringVar(&o.To, "to", "", "up to a day or a time, which is left out")
	f.BoolVar(&everything, "everything", false, "take all lists for taken, looked at or not")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// incident is what is known of a time in which what is personal may have gone
// to somebody. It holds ids and figures.
type incident struct {
	Since string `json:"since"`
	To    string `json:"to"` // empty: until now
	// Rows bounds how many people are concerned: those of all lists together.
	Rows  int            `json:"rows"`
	Lists []incidentList `json:"lists"`
	// Other are acts about what is personal that name no list that is known.
	Other []client.Act `json:"other"`
	// Keys could read what is personal at some time of it.
	Keys []client.Key `json:"keys"`
	// FailedLogins is how often a key was shown to the pages that does not count.
	FailedLogins int                `json:"failed_logins"`
	Log          client.AuditReport `json:"audit_log"`
}

// incidentList is a list that is concerned.
type incidentList struct {
	Batch    string    `json:"batch"`
	Tenant   string    `json:"tenant"`
	Provider string    `json:"provider"`
	Purpose  string    `json:"purpose"`
	Created  time.Time `json:"created_at"`
	Rows     int       `json:"rows"`
	// Sent are the columns of a row that may be filled, Answered the fields of
	// an answer. The caller's own columns come beside them.
	Sent     []string     `json:"sent"`
	Answered []string     `json:"answered"`
	Looks    []client.Act `json:"looks"`
}

// looks are the kinds of acts by which somebody gets what is personal.
var looks = []string{"rows.seen", "rows.exported", "changes.exported", "lookup"}

func (c *cli) incident(ctx context.Context, cl *client.Client, o client.AuditOptions, everything bool) error {
	in := incident{Since: o.From, To: o.To, Lists: []incidentList{}, Other: []client.Act{}, Keys: []client.Key{}}
	var err error
	if in.Log, err = cl.VerifyAudit(ctx); err != nil {
		return err
	}
	acts, err := in.acts(ctx, cl, o)
	if err != nil {
		return err
	}
	if err := in.lists(ctx, cl, acts, everything); err != nil {
		return err
	}
	if err := in.keys(ctx, cl, o); err != nil {
		return err
	}
	if !c.table() {
		err = json.NewEncoder(c.out).Encode(in)
	} else {
		err = c.printIncident(in)
	}
	if err != nil {
		return fmt.Errorf("write incident: %w", err)
	}
	if in.Log.Broken != nil {
		c.say("the audit log is broken at act %d: looks may be missing", *in.Log.Broken)
	}
	c.next("audit list --from " + o.From)
	return nil
}

// acts returns the looks of the time, by what they were about, and counts the
// logins that failed.
func (in *incident) acts(ctx context.Context, cl *client.Client, o client.AuditOptions) (map[string][]client.Act, error) {
	about := map[string][]client.Act{}
	for a, err := range cl.Audit(ctx, o) {
		switch {
		case err != nil:
			return nil, err
		case slices.Contains(looks, a.Kind):
			about[a.About] = append(about[a.About], a)
		case a.Kind == "login.failed":
			in.FailedLogins++
		}
	}
	return about, nil
}

func (in *incident) lists(ctx context.Context, cl *client.Client, about map[string][]client.Act, everything bool) error {
	providers, err := cl.Providers(ctx, false)
	if err != nil {
		return err
	}
	add := func(b client.Batch) {
		l := incidentList{
			Batch: b.ID, Tenant: b.Tenant, Provider: b.Provider, Purpose: b.Purpose, Created: b.CreatedAt, Rows: b.Rows,
			Sent: []string{}, Answered: []string{}, Looks: about[b.ID],
		}
		if i := slices.IndexFunc(providers, func(p client.Provider) bool { return p.Name == b.Provider }); i >= 0 {
			l.Sent, l.Answered = columns(providers[i]), providers[i].Results
		}
		in.Lists, in.Rows = append(in.Lists, l), in.Rows+b.Rows
		delete(about, b.ID)
	}
	if everything {
		for b, err := range cl.Batches(ctx, client.BatchesOptions{}) {
			if err != nil {
				return err
			}
			add(b)
		}
	} else if err := eachBatch(ctx, cl, about, add); err != nil {
		return err
	}
	for _, acts := range about {
		in.Other = append(in.Other, acts...)
	}
	slices.SortFunc(in.Other, func(a, b client.Act) int { return cmp.Compare(a.No, b.No) })
	slices.SortFunc(in.Lists, func(a, b incidentList) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Batch, b.Batch))
	})
	return nil
}

// eachBatch calls add for every list that an act was about.
func eachBatch(ctx context.Context, cl *client.Client, about map[string][]client.Act, add func(client.Batch)) error {
	for id := range about {
		b, err := cl.Batch(ctx, id)
		if e, ok := errors.AsType[*client.Problem](err); ok && e.Status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return err
		}
		add(b)
	}
	return nil
}

// columns are those that a row for a provider may fill.
func columns(p client.Provider) []string {
	all := slices.Clone(p.Needs)
	for _, choice := range p.Choices {
		for _, w := range choice.Ways {
			all = append(append(all, w.Needs...), w.May...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// keys takes in those that could read what is personal at some time of it.
func (in *incident) keys(ctx context.Context, cl *client.Client, o client.AuditOptions) error {
	all, err := cl.Keys(ctx)
	if err != nil {
		return err
	}
	from, to := dayOrTime(o.From), dayOrTime(o.To)
	for _, k := range all {
		ended := func(at *time.Time) bool { return at != nil && at.Before(from) }
		if !slices.Contains(k.Scopes, "read:pii") || ended(k.RevokedAt) || ended(k.ExpiresAt) || !to.IsZero() && !k.CreatedAt.Before(to) {
			continue
		}
		in.Keys = append(in.Keys, k)
	}
	return nil
}

// dayOrTime reads what the server has taken for a day or a time. Zero: none.
func dayOrTime(text string) time.Time {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

func (c *cli) printIncident(in incident) error {
	s := c.sheet("list", "LIST", "TENANT", "PROVIDER", "PURPOSE", "CREATED", "ROWS", "LOOKS", "BY")
	for _, l := range in.Lists {
		var by []string
		for _, a := range l.Looks {
			by = append(by, printable(a.Who))
		}
		slices.Sort(by)
		err := s.add(l, l.Batch, l.Tenant, l.Provider, printable(l.Purpose), clock(l.Created), l.Rows, len(l.Looks), strings.Join(slices.Compact(by), ", "))
		if err != nil {
			return err
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	c.say("%d rows of %d lists; %d other looks; %d keys could read what is personal; %d logins failed",
		in.Rows, len(in.Lists), len(in.Other), len(in.Keys), in.FailedLogins)
	return nil
}
