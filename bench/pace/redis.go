package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a redis-server of one case, on a port of its own. It keeps
// nothing on the disk: one that is killed comes back empty.
type redisServer struct {
	dir, port string
	process   *process
}

func startRedis(dir string) (*redisServer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &redisServer{dir: dir, port: port}
	return r, r.run()
}

func (r *redisServer) addr() string { return net.JoinHostPort("127.0.0.1", r.port) }
func (r *redisServer) url() string  { return "redis://" + r.addr() + "/0" }

// run starts the server, also after kill, and returns when it answers.
func (r *redisServer) run() error {
	var err error
	r.process, err = start(r.dir, "redis", nil, "redis-server", "--port", r.port, "--bind", "127.0.0.1", "--dir", r.dir, "--save", "")
	if err != nil {
		return err
	}
	c := redis.NewClient(&redis.Options{Addr: r.addr(), MaxRetries: 100, MinRetryBackoff: 20 * time.Millisecond, MaxRetryBackoff: 50 * time.Millisecond})
	defer c.Close() //nolint:errcheck // it was only asked
	if err := c.Ping(context.Background()).Err(); err != nil {
		return fmt.Errorf("wait for redis-server: %w", err)
	}
	return nil
}

func (r *redisServer) kill()         { r.process.kill() }
func (r *redisServer) crash() error  { r.kill(); return nil }
func (r *redisServer) freeze() error { return r.process.signal(syscall.SIGSTOP) }
func (r *redisServer) thaw() error   { return r.process.signal(syscall.SIGCONT) }

// watch counts the commands that are sent for the sake of the pace, until the
// server or ctx ends. asynq runs scripts too, so they are known by their keys.
func (r *redisServer) watch(ctx context.Context) (*atomic.Int64, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.addr())
	if err == nil {
		_, err = conn.Write([]byte("MONITOR\r\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("watch Redis: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	n := &atomic.Int64{}
	go func() {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if isPace(lines.Text()) {
				n.Add(1)
			}
		}
	}()
	return n, nil
}

// isPace reports whether a line of MONITOR is a command of the limiter, rather
// than one of asynq or one that a script runs.
func isPace(line string) bool {
	head, command, _ := strings.Cut(line, "] ")
	return strings.Contains(command, `"plateq:{`) && !strings.HasSuffix(command, `:room"`) && !strings.HasSuffix(head, " lua")
}
