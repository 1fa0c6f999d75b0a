package rig

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process has used.
type Usage struct {
	CPU  time.Duration // with the processes that it started
	Peak int64         // bytes of memory at the most, of the process alone
}

// Self is what this process has used.
func Self() (Usage, error) { return usageOf(os.Getpid()) }

// tick is the unit in which Linux counts the time of processes.
const tick = time.Second / 100

// usageOf reads what a running process has used.
func usageOf(pid int) (Usage, error) {
	own, err := statOf(pid)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{CPU: own.cpu}
	all, err := os.ReadDir("/proc")
	if err != nil {
		return u, fmt.Errorf("list processes: %w", err)
	}
	for _, entry := range all {
		n, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// One that ends meanwhile counts with its parent at the next reading.
		if child, err := statOf(n); err == nil && child.parent == pid {
			u.CPU += child.cpu
		}
	}
	u.Peak, err = peakOf(pid)
	return u, err
}

// stat is what Linux says of a process in one line.
type stat struct {
	parent int
	cpu    time.Duration // user and system, its own and of children that have ended
}

func statOf(pid int) (stat, error) {
	var s stat
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, fmt.Errorf("read the time of a process: %w", err)
	}
	_, text, _ = bytes.Cut(text, []byte(") ")) // its name may hold blanks
	fields := strings.Fields(string(text))
	if len(fields) < 15 {
		return s, fmt.Errorf("read the time of a process: %d fields", len(fields))
	}
	numbers := make([]int, 15)
	for i := 1; i < len(numbers); i++ {
		if numbers[i], err = strconv.Atoi(fields[i]); err != nil {
			return s, fmt.Errorf("read the time of a process: %w", err)
		}
	}
	s.parent = numbers[1]
	for _, n := range numbers[11:15] {
		s.cpu += time.Duration(n) * tick
	}
	return s, nil
}

// Busy is the time that all processors together have worked since the machine
// was started, for whomever.
func Busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the time of the processors: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 {
		return 0, fmt.Errorf("read the time of the processors: %d fields", len(fields))
	}
	var sum time.Duration
	for i, field := range fields[1:8] {
		if idle := i == 3 || i == 4; idle { // with nothing to do, and waiting for the disk
			continue
		}
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the time of the processors: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// peakOf is the most memory that a process has held.
func peakOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, nil // it has ended
	}
	kb, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	return kb << 10, nil
}

// ended is what a process had used when it ended.
func ended(s *os.ProcessState) Usage {
	u := Usage{CPU: s.UserTime() + s.SystemTime()}
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		u.Peak = r.Maxrss << 10
	}
	return u
}
