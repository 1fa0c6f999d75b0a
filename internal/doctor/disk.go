package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const checkDisk = "disk"

const (
	// littleRoom is what a spool, a log beside SQLite and a backup soon fill.
	littleRoom = 1 << 30
	// noRoom: the next large list ends in an error.
	noRoom = 64 << 20
	// slowSync makes each claim and each answer wait.
	slowSync = 100 * time.Millisecond
)

// Room is what the file system of a directory has.
type Room struct {
	Free, Inodes int64 // for us; inodes negative: it does not count them
	Memory       bool  // it is lost with the machine
}

// Disk looks at the data directory: what is written there must stay. The
// directory is not made; where it is missing, the one above it is looked at.
func Disk(dir string) []Finding {
	at := dir
	for {
		_, err := os.Stat(at)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	took, err := tryDisk(at)
	if err != nil {
		return []Finding{{
			Check: checkDisk, Level: Fault, Text: fmt.Sprintf("nothing can be written to %s: %v", at, reason(err)),
			Do: "let this user write there, or choose another PLATEQ_DATA_DIR", Cause: Settings,
		}}
	}
	room, err := roomOf(at)
	if err != nil {
		return []Finding{{Check: checkDisk, Level: Note, Text: fmt.Sprintf("how much room %s has is not told: %v", at, err), Do: "watch it by other means"}}
	}
	return append(Free(at, room), Synced(at, took)...)
}

func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// tryDisk writes a page through to the disk, and says how long that took.
func tryDisk(dir string) (took time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, 4<<10)); err != nil {
		return 0, err
	}
	begin := time.Now()
	err = f.Sync()
	return time.Since(begin), err
}

// Free judges how much room a directory has.
func Free(dir string, r Room) []Finding {
	f := Finding{Check: checkDisk, Text: fmt.Sprintf("%s are free in %s", size(r.Free), dir)}
	if r.Free < littleRoom {
		f.Level, f.Do = Warning, "free some, or move PLATEQ_DATA_DIR to a larger disk"
	}
	if r.Free < noRoom {
		f.Level = Fault
	}
	all := []Finding{f}
	if r.Inodes == 0 {
		all = append(all, Finding{Check: checkDisk, Level: Fault, Text: "there is no inode left in " + dir, Do: "remove files, or move PLATEQ_DATA_DIR"})
	}
	if r.Memory {
		all = append(all, Finding{Check: checkDisk, Level: Warning, Text: dir + " is in memory: keys, answers and spool are gone when the machine restarts", Do: "put PLATEQ_DATA_DIR on a disk"})
	}
	return all
}

// Synced judges how long a disk takes to keep a page.
func Synced(dir string, took time.Duration) []Finding {
	f := Finding{Check: checkDisk, Text: fmt.Sprintf("a page is kept in %s", took.Round(10*time.Microsecond))}
	if took > slowSync {
		f.Level, f.Do = Warning, "every claim waits for this: use a faster disk for "+dir
	}
	return []Finding{f}
}
