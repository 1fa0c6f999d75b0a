package app

import (
	"fmt"
	"math/rand/v2"

	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/webhook"
)

// openSender makes what delivers webhooks, with the scheduler.
func (a *App) openSender() error {
	guard, err := a.receivers()
	if err != nil {
		return err
	}
	client := guard.Client()
	a.closers = append(a.closers, func() error {
		client.CloseIdleConnections()
		return nil
	})
	a.sender = webhook.NewSender(webhook.Options{
		Store: a.store, Guard: guard, Client: client, Log: a.log, Now: a.now,
		Sent: a.meter.Sent,
		Draw: rand.Float64, // nothing secret comes from it
	})
	return nil
}

// receivers says to whom webhooks may be sent.
func (a *App) receivers() (*webhook.Guard, error) {
	guard, err := webhook.NewGuard(a.opts.Config.HooksAllow)
	if err != nil {
		return nil, Usage(fmt.Errorf("%sHOOKS_ALLOW: %w", config.Prefix, err))
	}
	return guard, nil
}
