package jobs

import (
	"context"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// notary notes whether it was told that a person named the ticket.
type notary struct{ told *[]bool }

func (notary) Spec() providers.Spec {
	return providers.Spec{
		Name: "p", Title: "P", Answers: "x", Countries: []string{"IN"}, Needs: []providers.Column{providers.Plate}, Uses: []providers.Column{providers.Plate},
		Results: []string{"x"}, MaxBatch: 1, Pending: true, Repeats: "no", Timeout: time.Second, Endpoints: providers.Endpoints{Submit: "submit", Poll: "items"},
	}
}

func (notary) Submit(context.Context, []providers.Request) ([]providers.Outcome, error) {
	return nil, &providers.Error{Provider: "p", Op: "submit", Class: providers.Unavailable}
}

func (n notary) Poll(_ context.Context, t providers.Ticket, _ []providers.Request) (providers.Progress, error) {
	*n.told = append(*n.told, t.Named)
	return providers.Progress{Ticket: t}, nil
}

func TestAPollIsToldThatAPersonNamedTheTicket(t *testing.T) {
	t.Parallel()
	inPass(t, func(t *testing.T, h *held, _ *settlements) {
		told := []bool{}
		set, err := providers.NewSet(notary{&told})
		if err != nil {
			t.Fatal(err)
		}
		h.w.opts.Providers, h.w.opts.Tracer, h.l.spec = set, noTracer{}, notary{}.Spec()
		for _, adopted := range []bool{true, false} {
			permit, err := h.permit(t.Context(), time.Minute)
			if err != nil || permit == nil {
				t.Fatalf("got %v, %v, want a permit", permit, err)
			}
			o := store.OpenTicket{ID: 1, Handle: providers.Ticket{ID: "T"}, Adopted: adopted, Asks: claimOf(1).Asks}
			if _, err := h.w.page(t.Context(), h.l, o, whole, permit); err != nil {
				t.Fatal(err)
			}
			permit.Release()
			if got := told[len(told)-1]; got != adopted {
				t.Errorf("a ticket that a person named: %t, the provider was told %t", adopted, got)
			}
		}
	})
}
