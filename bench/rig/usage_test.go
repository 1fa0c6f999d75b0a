package rig

import (
	"os"
	"testing"
)

// TestUsageCountsWhatAProcessHasStarted: of one that runs, which is this one,
// and of one that has ended.
func TestUsageCountsWhatAProcessHasStarted(t *testing.T) {
	t.Parallel()
	const work = `i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done`
	p, err := Start(t.TempDir(), "work", nil, "sh", "-c", "sh -c '"+work+"'; true")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	there, err := p.Usage()
	if err != nil || there.CPU < 2*tick || there.Peak == 0 {
		t.Errorf("got %+v, %v of a process that has ended, want its work and some memory", there, err)
	}
	here, err := usageOf(os.Getpid())
	if err != nil || here.CPU < there.CPU-2*tick || here.Peak < 1<<20 {
		t.Errorf("got %+v, %v of this process, want the work of what it started, %v, and some memory", here, err, there.CPU)
	}
}

func TestAProcessThatFailsIsNoSuccess(t *testing.T) {
	t.Parallel()
	p, err := Start(t.TempDir(), "fail", nil, "sh", "-c", "exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(t.Context()); err == nil {
		t.Error("exit code 3: got no error")
	}
}
