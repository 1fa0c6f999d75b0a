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
  plateq simulate --fault charge_then_close,where=submit,rate=0.1 --fault 4291,every=20
  plateq simulate --webhook-url http://127.0.0.1:8080/hooks/attestr --webhook-faults dup=0.2,forge=0.1,lost=0.1`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.configure(); err != nil {
				return err
			}
			o.Ready = func(addr string) {
				c.say("playing the providers on http://%s, each below its name", addr)
				c.say("next: PLATEQ_ATTESTR_BASE_URL=http://%s/attestr PLATEQ_ATTESTR_AUTH_TOKEN=%s plateq run FILE -p attestr -o results.csv", addr, standInToken)
			}
			return app.Simulate(cmd.Context(), c.options(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", "127.0.0.1:9090", "address to listen on")
	f.StringVar(&o.Ledger, "ledger", "", "file for every charge, written before each answer (default: kept in memory)")
	f.StringVar(&o.Preset, "preset", "demo", "demo, fast or hostile")
	f.Uint64Var(&o.Seed, "seed", 0, "choose other answers and faults (default: the preset's)")
	f.StringVar(&o.WebhookURL, "webhook-url", "", "call this URL about each record of Attestr that ends, if the submit asks for it")
	f.StringVar(&o.WebhookFaults, "webhook-faults", "", "dup=…,lost=…,late=…,forge=…,lag=…,inner,batch: what is wrong with these calls")
	f.StringArrayVar(&o.Faults, "fault", nil, "KIND,where=…,rate=…: misbehave so; may be given several times")
	return cmd
}
