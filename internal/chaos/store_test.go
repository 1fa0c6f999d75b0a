//go:build chaos

package chaos_test

import (
	"strings"
	"time"

	"github.com/plateq/plateq/internal/pgtest"
)

func postgresKilled(t *trial) {
	server := pgtest.Start(t)
	w := t.begin(ground{server: server})
	w.part(0.3)
	w.fault(server.Kill, lasting(3*time.Second, 30*time.Second), func() {
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
	})
	w.account()
	w.nothingUnknown()
	t.more("%d answers in spools meanwhile", w.spooled())
}

// spooled is how many answers the store could not take.
func (w *world) spooled() int {
	w.Helper()
	n := 0
	for _, p := range w.started {
		n += strings.Count(p.said(), "it is kept in the spool")
	}
	return n
}
