package app

import (
	"context"
	"sync"
)

// wake tells the scheduler, here or in another process, that a provider may
// have new work.
func (a *App) wake(provider string) {
	switch {
	case a.parts&Scheduler != 0:
		a.scheduler.Wake(provider)
	case a.wakes != nil:
		a.wakes.Tell(provider)
	}
}

// wakeAll tells it that there is new work, whose does not matter.
func (a *App) wakeAll() {
	for _, name := range a.set.Names() {
		a.wake(name)
	}
}

// carryWakes tells the schedulers of other processes what goes on in this one,
// or listens to what others tell.
func (a *App) carryWakes(ctx context.Context, wg *sync.WaitGroup) {
	switch {
	case a.wakes == nil:
	case a.parts&Scheduler != 0:
		wg.Go(func() { a.wakes.Listen(ctx, a.scheduler.Wake) })
	default:
		wg.Go(func() { a.wakes.Carry(ctx) })
	}
}
