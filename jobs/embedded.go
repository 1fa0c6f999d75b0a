package jobs

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Embedded is a Redis in memory, within this process and without a port. When
// it is closed it forgets everything: the queue is rebuilt from the store, and
// of the rest Remember keeps what is worth it.
type Embedded struct {
	redis.UniversalClient
	server *miniredis.Miniredis
	stop   chan struct{}
	done   chan struct{}
	memory paceFile
}

// OpenEmbedded starts one.
func OpenEmbedded() *Embedded {
	e := &Embedded{server: miniredis.NewMiniRedis(), stop: make(chan struct{}), done: make(chan struct{})}
	e.UniversalClient = redis.NewClient(&redis.Options{
		Addr:       "embedded",
		PoolSize:   60,
		MaxRetries: 3,
		// Or the name above would be looked up in the network.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			return e.server.Dial()
		},
	})
	go e.drive()
	return e
}

// drive moves the server's clock: its expiries stand still by themselves.
func (e *Embedded) drive() {
	defer close(e.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, saved := time.Now(), time.Now()
	for {
		select {
		case <-e.stop:
			return
		case now := <-tick.C:
			e.server.FastForward(now.Sub(last))
			last = now
			if now.Sub(saved) >= saveEvery {
				_ = e.memory.save(e.server) // told at the end, if it lasts
				saved = now
			}
		}
	}
}

// Close ends the server and its connections.
func (e *Embedded) Close() error {
	close(e.stop)
	<-e.done
	err := errors.Join(e.memory.save(e.server), e.UniversalClient.Close())
	e.server.Close()
	return err
}
