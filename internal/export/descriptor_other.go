//go:build !unix

package export

import (
	"errors"
	"os"
)

// descriptor finds nothing: what is open has no path here.
func descriptor(string) (fd int, open bool) { return noFD, false }

// again is not called where descriptor finds nothing.
func again(int, string) (*os.File, error) { return nil, errors.ErrUnsupported }
