package rig

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a redis-server on a port of its own.
type Redis struct {
	Dir     string
	port    string
	args    []string
	process *Process
}

// StartRedis starts a server with its files in dir and further arguments. It
// keeps nothing on the disk unless they say so: one that is killed then comes
// back empty.
func StartRedis(dir string, args ...string) (*Redis, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	r := &Redis{Dir: dir, port: port, args: args}
	return r, r.Run()
}

// Addr is where the server listens.
func (r *Redis) Addr() string { return net.JoinHostPort("127.0.0.1", r.port) }

// URL is the redis:// URL of the server.
func (r *Redis) URL() string { return "redis://" + r.Addr() + "/0" }

// Run starts the server, also after Kill, and returns when it answers.
func (r *Redis) Run() error {
	var err error
	args := append([]string{"--port", r.port, "--bind", "127.0.0.1", "--dir", r.Dir, "--save", ""}, r.args...)
	r.process, err = Start(r.Dir, "redis", nil, "redis-server", args...)
	if err != nil {
		return err
	}
	c := redis.NewClient(&redis.Options{Addr: r.Addr(), MaxRetries: 100, MinRetryBackoff: 20 * time.Millisecond, MaxRetryBackoff: 50 * time.Millisecond})
	defer c.Close() //nolint:errcheck // it was only asked
	if err := c.Ping(context.Background()).Err(); err != nil {
		return fmt.Errorf("wait for redis-server: %w", err)
	}
	return nil
}

// Empty forgets all that the server holds.
func (r *Redis) Empty(ctx context.Context) error {
	c := redis.NewClient(&redis.Options{Addr: r.Addr()})
	defer c.Close() //nolint:errcheck // it was only told
	if err := c.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("empty redis-server: %w", err)
	}
	return nil
}

// Usage is what the server has used since it was started.
func (r *Redis) Usage() (Usage, error) { return r.process.Usage() }

// Kill ends the server as a crash does.
func (r *Redis) Kill() { r.process.Kill() }

// Crash is Kill, where an error is asked for.
func (r *Redis) Crash() error { r.Kill(); return nil }

// Freeze stops the server in its tracks, and Thaw lets it go on.
func (r *Redis) Freeze() error { return r.process.Signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (r *Redis) Thaw() error { return r.process.Signal(syscall.SIGCONT) }
