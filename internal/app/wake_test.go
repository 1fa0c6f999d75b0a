package app_test

import (
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

	f.spawn("scheduler")
	const both = 2 // it, and this test
	for {
		listen, err := c.PubSubNumSub(t.Context(), channel).Result()
		if err != nil {
			t.Fatal(err)
		}
		if listen[channel] == both {
			return
		}
		time.Sleep(20 * time.Millisecond) // Redis tells nobody who begins to listen
	}
}
