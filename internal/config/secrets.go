package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const (
	// fileSuffix names the variable that holds the path of a secret.
	fileSuffix = "_FILE"
	// maxSecret bounds a file that holds one.
	maxSecret = 64 << 10
	// maxMode is the widest mode at which a file is still thought to be
	// secret: readable by its group, as mounted secrets are.
	maxMode fs.FileMode = 0o640
)

// readFiles puts the content of files in the place of the variables that
// they stand for.
func (r *reader) readFiles() {
	for _, p := range r.order {
		for _, f := range p.fields() {
			path, given := r.env[f.variable+fileSuffix]
			if !f.filed() || !given {
				continue
			}
			if _, twice := r.env[f.variable]; twice {
				r.faults = append(r.faults, fmt.Sprintf("%s: it is set, and so is %s%s: keep one of them", f.variable, f.variable, fileSuffix))
				continue
			}
			text, mode, err := readSecret(path)
			if err != nil {
				r.faults = append(r.faults, f.variable+fileSuffix+": "+err.Error())
				continue
			}
			if mode&^maxMode != 0 {
				r.warned = append(r.warned, fmt.Sprintf("%s%s: %s has mode %04o, which lets others read it: chmod 600", f.variable, fileSuffix, path, mode))
			}
			r.env[f.variable] = text
		}
	}
}

// readSecret returns what the file holds, without the newline at its end. Its
// errors hold nothing of the content.
func readSecret(path string) (string, fs.FileMode, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return "", 0, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", 0, err
	case len(text) > maxSecret:
		return "", 0, fmt.Errorf("%s is larger than %d KiB", path, maxSecret>>10)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" {
		return "", 0, errors.New(path + " is empty")
	}
	return secret, info.Mode().Perm(), nil
}
