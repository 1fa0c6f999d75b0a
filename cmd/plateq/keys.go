package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const keysLong = `Make, list and revoke keys of the HTTP API. Where no server answers, they are
those of the store itself: so the first key is made before the first start.

While there is no key, a server answers its own machine only, and lets it do
everything. From the first key on it answers nobody without one; client commands
show PLATEQ_API_KEY.`

func (c *cli) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke keys of the HTTP API",
		Long:  keysLong,
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.keysCreateCommand(), c.keysListCommand(), c.keysRevokeCommand())
	return cmd
}

const keysCreateLong = `Make a key and show it, this once: only a hash of it is kept.

SCOPE is one or more of
  submit     hand lists in, pause, resume, cancel and retry them
  read       see how lists, calls and providers stand; what is personal is masked
  read:pii   see what is personal as well
  operate    decide about calls of which nobody knows, and open gates
  admin      set budgets, make and revoke keys

A key sees what its tenant has and no more. A key of the tenant '*' sees what
all have, and may do what concerns all: gates, budgets of providers.`

func (c *cli) keysCreateCommand() *cobra.Command {
	var r client.KeyRequest
	var expires string
	cmd := &cobra.Command{
		Use:   "create --name NAME --scope SCOPE",
		Short: "Make a key and show it, this once",
		Long:  keysCreateLong,
		Example: `  plateq keys create --name ops --tenant '*' --scope submit,read:pii,operate,admin
  plateq keys create --name billing --scope submit,read --expires 90d
  plateq keys create --name acme-crm --tenant acme --scope submit,read:pii --expires 2027-12-31`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.Name == "" || len(r.Scopes) == 0 {
				return app.Usage(errors.New("--name and --scope are missing: see plateq keys create --help"))
			}
			if r.ExpiresAt, err = parseExpiry(expires, time.Now()); err != nil {
				return app.Usage(err)
			}
			return c.withKeys(cmd.Context(), func(cl *client.Client) error { return c.createKey(cmd.Context(), cl, r) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Name, "name", "", "who or what uses it")
	flags.StringVar(&r.Tenant, "tenant", "", "whose things it sees; '*': those of all (default: default)")
	flags.StringSliceVar(&r.Scopes, "scope", nil, "what it lets do; a comma list, or several times")
	flags.StringVar(&expires, "expires", "", "when it ends: 90d, 12h, or a day (UTC) such as 2027-12-31 (default: never)")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// withKeys is withBooks, but makes the store where there is none.
func (c *cli) withKeys(ctx context.Context, do func(*client.Client) error) (err error) {
	if err := c.configure(); err != nil {
		return err
	}
	cl, closeBooks := (*client.Client)(nil), func() error { return nil }
	if !c.simulate {
		cl, err = c.server(ctx)
	}
	if c.simulate || errors.Is(err, errNoServer) {
		cl, closeBooks, err = c.store(ctx)
		if app.InUse(err) {
			closeBooks = func() error { return nil }
			cl, err = c.server(ctx) // it came up meanwhile
		}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBooks()) }()
	return do(cl)
}

func (c *cli) createKey(ctx context.Context, cl *client.Client, r client.KeyRequest) error {
	k, err := cl.CreateKey(ctx, r)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	if c.table() {
		_, err = fmt.Fprintln(c.out, k.Secret)
	} else {
		err = json.NewEncoder(c.out).Encode(k) //nolint:gosec // the secret is what was asked for
	}
	if err != nil {
		return lost("key", err)
	}
	c.say("key %s of tenant %s may %s; it is shown this once", k.ID, k.Tenant, strings.Join(k.Scopes, ", "))
	return c.afterKey(ctx, k, cl)
}

// afterKey says what the first key changes, to those to whom it comes as a
// surprise.
func (c *cli) afterKey(ctx context.Context, k client.NewKey, cl *client.Client) error {
	all, err := cl.Keys(ctx)
	if _, refused := errors.AsType[*client.Problem](err); refused || err == nil && len(all) == 1 {
		c.say("from now on a server answers nobody without a key")
		if !slices.Contains(k.Scopes, "admin") {
			c.say("warning: this key cannot make others: stop the server and use plateq keys create for one with --scope admin")
		}
		err = nil
	}
	c.next("keys list (with PLATEQ_API_KEY or PLATEQ_API_KEY_FILE set to a key with --scope admin)")
	return err
}

func (c *cli) keysListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List keys, revoked and expired ones too",
		Args:  wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				all, err := cl.Keys(cmd.Context())
				if err != nil {
					return err
				}
				if len(all) == 0 {
					c.say("there is no key: a server answers its own machine only, and lets it do everything")
				}
				if err := c.printKeys(all...); err != nil {
					return err
				}
				c.next("keys create --name NAME --scope SCOPE")
				return nil
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) printKeys(all ...client.Key) error {
	s := c.sheet("keys", "ID", "NAME", "TENANT", "SCOPES", "STATE", "MADE", "EXPIRES", "LAST USED")
	when := func(t *time.Time) string {
		if t == nil {
			return "-"
		}
		return clock(*t)
	}
	for _, k := range all {
		err := s.add(k, k.ID, printable(k.Name), k.Tenant, strings.Join(k.Scopes, ","), k.State, clock(k.CreatedAt), when(k.ExpiresAt), when(k.LastUsedAt))
		if err != nil {
			return err
		}
	}
	return s.end()
}

func (c *cli) keysRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "Take a key back, at once and for good",
		Example: "  plateq keys revoke x5q2…",
		Args:    wants("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				k, err := cl.RevokeKey(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("revoke key: %w", err)
				}
				if err := c.printKeys(k); err != nil {
					return err
				}
				c.next("keys list")
				return nil
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

// parseExpiry reads when a key ends: after so many days or hours, or with a
// day. Empty: never.
func parseExpiry(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return new(day.AddDate(0, 0, 1)), nil
	}
	unit := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour}[text[len(text)-1]]
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil || unit == 0 || n < 1 || n > 100_000 {
		return nil, fmt.Errorf("--expires %q: it must be like 90d, 12h or 2027-12-31", text)
	}
	return new(now.Add(time.Duration(n) * unit)), nil
}
