// Command ship makes what is handed out, with the Go toolchain alone: container
// images and release archives, each with a list of what is in it. The same
// source, toolchain and authorities give the same bytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// settings are what both commands need.
type settings struct {
	source  string // the root of the repository
	out     string // a directory
	version string
	cas     string // PEM file of the authorities that an image trusts
	at      time.Time
	commit  string
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ship:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	commands := map[string]func(context.Context, settings, []string) error{"image": images, "release": release, "licences": writeLicences}
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New("give image, release or licences")
	}
	s := settings{}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&s.source, "source", ".", "root of the repository")
	flags.StringVar(&s.out, "out", "dist", "directory to write to")
	flags.StringVar(&s.version, "version", "", "such as v1.2.3 (default: as git describes the commit)")
	flags.StringVar(&s.cas, "cas", "/etc/ssl/certs/ca-certificates.crt", "PEM file of the authorities that an image trusts")
	platforms := flags.String("platforms", "", "comma list such as linux/amd64 (default: all that there are)")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if args[0] != "licences" { // where a Dockerfile asks there may be no git
		if err := s.describe(ctx); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil { //nolint:gosec // it is handed out
		return err
	}
	var only []string
	if *platforms != "" {
		only = strings.Split(*platforms, ",")
	}
	return commands[args[0]](ctx, s, only)
}

// describe asks git for the commit, which gives all times: what is made today
// and tomorrow is the same.
func (s *settings) describe(ctx context.Context) error {
	shown, err := s.git(ctx, "log", "-1", "--format=%H %ct")
	if err != nil {
		return err
	}
	commit, at, _ := strings.Cut(shown, " ")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("read the time of the commit: %w", err)
	}
	s.commit, s.at = commit, time.Unix(seconds, 0).UTC()
	if s.version == "" {
		s.version, err = s.git(ctx, "describe", "--tags", "--always", "--dirty")
	}
	if err == nil && strings.Trim(s.version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-") != "" {
		err = fmt.Errorf("version %q is not of letters, digits, points, + and -", s.version)
	}
	return err
}

func (s *settings) git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", s.source}, args...)...).Output() //nolint:gosec // ours
	if err != nil {
		return "", fmt.Errorf("ask git: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build makes the binary for a platform, and returns where it is.
func (s *settings) build(ctx context.Context, dir, goos, goarch string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, "plateq-"+goos+"-"+goarch))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", //nolint:gosec // ours
		"-ldflags=-s -w -X github.com/plateq/plateq/internal/app.Release="+s.version, "-o", path, "./cmd/plateq")
	cmd.Dir, cmd.Stderr = s.source, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOAMD64=v1", "GOARM64=v8.0")
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build for %s/%s: %w", goos, goarch, err)
	}
	return path, nil
}
