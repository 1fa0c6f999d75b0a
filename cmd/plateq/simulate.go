package main

import (
	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

// standInToken is the token that the stand-in of Attestr takes.
const standInToken = "stand-in"

func (c *cli) simulateCommand() *cobra.Command {
	var o app.SimulateOptions
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Play the upstreams: stand-ins of the providers, with faults on request",
		Example: `  plateq simulate --ledger charges.jsonl
  plateq simulate --preset hostile --seed 7
  plateq simulate --fault charge_then_close,where=submit,rate=0.1 --fault 4291,every=20`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.configure(); err != nil {
				return err
			}
			o.Ready = func(addr string) {
				c.say("playing attestr on http://%s", addr)
				c.say("next: PLATEQ_ATTESTR_BASE_URL=http://%s PLATEQ_ATTESTR_AUTH_TOKEN=%s plateq run FILE -p attestr -o results.csv", addr, standInToken)
			}
			return app.Simulate(cmd.Context(), c.options(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", "127.0.0.1:9090", "address to listen on")
	f.StringVar(&o.Ledger, "ledger", "", "file for every charge, written before each answer (default: kept in memory)")
	f.StringVar(&o.Preset, "preset", "demo", "demo, fast or hostile")
	f.Uint64Var(&o.Seed, "seed", 0, "choose other answers and faults (default: the preset's)")
	f.StringArrayVar(&o.Faults, "fault", nil, "KIND,where=…,rate=…: misbehave so; may be given several times")
	return cmd
}
