//go:build !unix

package doctor

import "errors"

func roomOf(string) (Room, error) { return Room{}, errors.ErrUnsupported }
