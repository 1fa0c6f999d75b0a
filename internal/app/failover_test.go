package app_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
)

func TestTheMasterBehindSentinelsIsKilled(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinels(t)
	failOver(t, s.URL(), s.Master)
}

func TestAMasterOfAClusterIsKilled(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	failOver(t, c.URL(), c.MasterOf(t, "{"+jobs.Queue("attestr")+"}"))
}

// failOver kills the master that holds the queue in the middle of a list. Its
// replica stands in for it, and calls go on.
func failOver(t *testing.T, url string, master *redistest.Server) {
	t.Helper()
	const taken = 16 // tasks that two workers may have taken before: they prove nothing
	tr := begin(t, ground{redisURL: url, rows: perCall * int(lasting(200, 2500)), call: 100 * time.Millisecond})
	tr.calls(40)
	tr.fault(master.Kill, 0, func() {})
	tr.calls(tr.sent() + 2*taken)
	t.Logf("claims went on within %.1f s", time.Since(tr.mended).Seconds())
	tr.account().nothingUnknown(t)
}
