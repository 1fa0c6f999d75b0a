//go:build unix

package export

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxLinks is how many links in a row are followed.
const maxLinks = 40

// descriptor returns the number of the open file that path names, such as
// /dev/fd/3, or that links lead to. They are followed one by one, since the
// last, which the system makes up, leads on to the file itself, and nothing
// there says any more that it is open.
func descriptor(path string) (fd int, open bool) {
	if path == "" {
		return noFD, false
	}
	if !filepath.IsAbs(path) {
		if wd, err := os.Getwd(); err == nil {
			path = wd + "/" + path // not cleaned: ".." after a link is elsewhere
		}
	}
	for range maxLinks {
		dir, name := filepath.Split(path)
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return noFD, false
		}
		if n, err := strconv.ParseUint(name, 10, 31); err == nil && ofDescriptors(dir) {
			return int(n), true
		}
		next, err := os.Readlink(filepath.Join(dir, name))
		if err != nil {
			return noFD, false
		}
		if path = next; !filepath.IsAbs(next) {
			path = dir + "/" + next
		}
	}
	return noFD, false
}

// ofDescriptors reports whether a directory, no link, is that in which the
// system lists what this process has open.
func ofDescriptors(dir string) bool {
	for _, name := range []string{"/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"} {
		if linked, err := filepath.EvalSymlinks(name); err == nil && linked == dir {
			return true
		}
	}
	return false
}

// again opens a descriptor a second time, so that closing the one leaves the
// other. By its path it would be written from the beginning.
func again(fd int, path string) (*os.File, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil && flags&unix.O_ACCMODE == unix.O_RDONLY {
		err = syscall.EBADF // as a write would find
	}
	if err != nil {
		return nil, err
	}
	fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}
