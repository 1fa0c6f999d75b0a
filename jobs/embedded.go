package jobs

import (
	"context"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Embedded is a Redis in memory, within this process and without a port. It
// forgets everything when it is closed; the queue is rebuilt from the store.
type Embedded struct {
	redis.UniversalClient
	server *miniredis.Miniredis
	stop   chan struct{}
	done   chan struct{}
}

// OpenEmbedded starts one.
func OpenEmbedded() *Embedded {
	e := &Embedded{server: miniredis.NewMiniRedis(), stop: make(chan struct{}), done: make(chan struct{})}
	e.UniversalClient = redis.NewClient(&redis.Options{
		Addr:       "embedded",
		PoolSize:   60,
		MaxRetries: 3,
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
	last := time.Now()
	for {
		select {
		case <-e.stop:
			return
		case now := <-tick.C:
			e.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Close ends the server and its connections.
func (e *Embedded) Close() error {
	close(e.stop)
	<-e.done
	err := e.UniversalClient.Close()
	e.server.Close()
	return err
}
