//go:build unix

package providers

import "syscall"

// nothingToRead reports whether a socket has neither ended nor holds anything
// that was not read. It does not wait, and takes nothing away from a
// connection that is used again: what it finds ends that.
func nothingToRead(socket syscall.Conn) bool {
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var quiet bool
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	})
	return err == nil && quiet
}
