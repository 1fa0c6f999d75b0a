package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/export"
)

// output is a file that a command is told to write, and by which flag. Path may
// be empty.
type output struct{ flag, path string }

// checkFiles finds out, before anything is opened or asked, whether a command
// can write its files, and writes none of them over another or over the list
// that it reads, on stdin where that is "-". list is empty where it reads none.
func checkFiles(list string, stdin *os.File, outputs ...output) error {
	for i, o := range outputs {
		if sameFile(o.path, list) {
			return app.Usage(fmt.Errorf("%s %s: it is the list itself, which would be lost: give another file", o.flag, o.path))
		}
		if list == "-" && isOpen(o.path, stdin) {
			return app.Usage(fmt.Errorf("%s %s: it is the list on standard input, which would be lost: give another file", o.flag, o.path))
		}
		for _, other := range outputs[:i] {
			if sameFile(o.path, other.path) {
				return app.Usage(fmt.Errorf("%s %s: it is the file of %s too: give each its own", o.flag, o.path, other.flag))
			}
		}
	}
	for _, o := range outputs {
		if err := export.Writable(o.path); err != nil {
			return app.Usage(err)
		}
	}
	return nil
}

// sameFile reports whether two paths name one regular file, or would if it was
// there. What comes through a pipe or a device is not replaced.
func sameFile(a, b string) bool {
	if a == "" || a == "-" || b == "" || b == "-" {
		return false
	}
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	if errOne != nil && errOther != nil {
		return placeOf(a) == placeOf(b)
	}
	return errOne == nil && errOther == nil && one.Mode().IsRegular() && os.SameFile(one, other)
}

// isOpen reports whether a path names the regular file that f was opened from,
// as that of a list behind < is.
func isOpen(path string, f *os.File) bool {
	if path == "" || path == "-" {
		return false
	}
	one, errOne := os.Stat(path)
	other, errOther := f.Stat()
	return errOne == nil && errOther == nil && one.Mode().IsRegular() && os.SameFile(one, other)
}

// placeOf is where a file will be that is not there yet, whatever links lead to
// its directory.
func placeOf(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	dir, name := filepath.Split(path)
	if linked, err := filepath.EvalSymlinks(dir); err == nil {
		dir = linked
	}
	return filepath.Join(dir, name)
}
