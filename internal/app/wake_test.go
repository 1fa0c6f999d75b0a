package app_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestAServerTellsSchedulersOfNewWork: one that takes a list in says so to who
// listens, and a scheduler of another process does.
func TestAServerTellsSchedulersOfNewWork(t *testing.T) {
	t.Parallel()
	const channel = "asynq:plateq:wake"
	f := newFleet(t, standIn(t, brisk()))
	f.serve()
	c := f.redis.Client()
	s := c.Subscribe(t.Context(), channel)
	defer s.Close()
	if _, err := s.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.submit(plates(3))
	for said := s.Channel(); (<-said).Payload != "attestr"; { // of each provider
	}

	// Redis shows whoever asks what it is told by all.
	monitor, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", f.redis.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer monitor.Close()
	if err := monitor.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	shown := bufio.NewScanner(monitor)
	if _, err := io.WriteString(monitor, "MONITOR\r\n"); err != nil || !shown.Scan() || shown.Text() != "+OK" {
		t.Fatalf("MONITOR: %q, %v, %v", shown.Text(), err, shown.Err())
	}
	f.spawn("scheduler")
	for shown.Scan() {
		if strings.Contains(shown.Text(), `"subscribe" "`+channel+`"`) {
			return
		}
	}
	t.Errorf("the scheduler does not listen: %v", shown.Err())
}
