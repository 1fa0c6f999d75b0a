package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plateq/plateq/providers"
)

// patienceWithProviders bounds what a single one may take.
const patienceWithProviders = 15 * time.Second

// Providers asks each that is set up what costs nothing; nil: nobody.
func Providers(ctx context.Context, set *providers.Set) []Finding {
	if set == nil {
		return nil
	}
	names := set.Names()
	if len(names) == 0 {
		return []Finding{{Check: "providers", Level: Note, Text: "none is set up", Do: "set credentials such as PLATEQ_ATTESTR_AUTH_TOKEN: plateq config lists them"}}
	}
	all := make([]Finding, 0, len(names))
	for _, name := range names {
		all = append(all, provider(ctx, set, name))
	}
	return all
}

func provider(ctx context.Context, set *providers.Set, name string) Finding {
	ctx, cancel := context.WithTimeout(ctx, patienceWithProviders)
	defer cancel()
	return Asked(name, set.Check(ctx, name))
}

// Asked judges what came of a provider's harmless call.
func Asked(name string, err error) Finding {
	f := Finding{Check: "provider " + name, Text: "it takes the credentials"}
	if err == nil {
		return f
	}
	f.Level, f.Cause, f.Text = Fault, Credentials, err.Error()
	switch {
	case errors.Is(err, providers.ErrNoCheck):
		f.Level, f.Text = Note, "it was not asked: it has no call that is free and harmless"
		f.Do = fmt.Sprintf("try one row, which is paid for: plateq run FILE -p %s --limit 1", name)
	case errors.Is(err, providers.Unauthorised):
		f.Do = "correct the credentials, or have the provider let this machine's address in"
	case errors.Is(err, providers.OutOfCredit):
		f.Cause, f.Do = Credit, fmt.Sprintf("pay the provider; then plateq gate open %s", name)
	case errors.Is(err, providers.RateLimited), errors.Is(err, providers.DailyLimited):
		f.Level, f.Do = Note, "nothing: it knows the credentials, and its limit is used up at the moment"
	case errors.Is(err, providers.Unavailable), errors.Is(err, providers.Ambiguous):
		f.Do = "see that this machine reaches it (name, firewall, proxy), and whether it is in service"
	default:
		f.Do = "see that its address and paths are right: plateq config"
	}
	return f
}
