package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"

	"github.com/plateq/plateq/bench/rig"
)

// watch counts the commands that are sent for the sake of the pace, until the
// server or ctx ends. asynq runs scripts too, so they are known by their keys.
func watch(ctx context.Context, r *rig.Redis) (*atomic.Int64, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.Addr())
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
