//go:build unix && !linux

package doctor

import "syscall"

func roomOf(dir string) (Room, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return Room{}, err
	}
	return Room{Free: int64(fs.Bavail) * int64(fs.Bsize), Inodes: int64(fs.Ffree)}, nil //nolint:gosec // sizes of disks
}
