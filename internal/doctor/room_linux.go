package doctor

import "syscall"

// inMemory are the types of file systems that are.
const tmpfs, ramfs = 0x01021994, 0x858458f6

func roomOf(dir string) (Room, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return Room{}, err
	}
	r := Room{Free: int64(fs.Bavail) * fs.Bsize, Inodes: int64(fs.Ffree), Memory: fs.Type == tmpfs || fs.Type == ramfs} //nolint:gosec // sizes of disks
	if fs.Files == 0 {
		r.Inodes = -1
	}
	return r, nil
}
