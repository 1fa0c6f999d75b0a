package app

import "runtime/debug"

// Release is the version that a release was made as; whoever makes it sets it
// when linking. Empty: the program was built by go build or go install.
var Release string

// Version is that of the release or, without one, that of the module.
func Version() string {
	if Release != "" {
		return Release
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
