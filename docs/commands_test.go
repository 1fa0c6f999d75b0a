// Package docs_test runs what the pages for newcomers, and those of the
// providers, tell them to type.
package docs_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pages are those whose every command is run, in this order, in one copy of
// the repository.
var pages = []string{"README.md", "docs/tutorial.md"}

// block is what stands between two fences, all of it for the shell.
//
//	```sh          each command must end well
//	```sh exit=3   the last one ends with 3
//	```sh server   the last one goes on until its page ends
//	```sh tests    runs the tests, so it is not run by one
//	```sh docker   needs Docker, see deploy
type block struct {
	line     int
	word     string
	commands []string
}

// elsewhere are the blocks that are not run here, and what they may hold.
var elsewhere = map[string][]string{
	"tests":  {"make test"},
	"docker": {"docker compose "},
}

func TestCommands(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		cannot(t, "bash is missing")
	}
	root := copied(t)
	env := environment(t)
	for _, page := range pages {
		blocks := readBlocks(t, page)
		if len(blocks) == 0 {
			t.Fatalf("%s holds no command", page)
		}
		run(t, root, env, page, blocks)
		if t.Failed() {
			return // the next page goes on from this one
		}
	}
}

// cannot skips the test; with CI=true it fails.
func cannot(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// readBlocks reads what a page tells its reader to type.
func readBlocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var open *block
	fenced := false
	for i, line := range strings.Split(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && fenced:
			if open != nil {
				blocks = append(blocks, *open)
			}
			fenced, open = false, nil
		case isFence:
			fenced = true
			if word, shell := strings.CutPrefix(fence, "sh"); shell {
				open = &block{line: i + 1, word: strings.TrimSpace(word)}
			}
		case open != nil:
			open.commands = append(open.commands, line)
		case !fenced && strings.HasPrefix(line, "    ") && !inList(line):
			t.Errorf("%s:%d: commands stand between fences, where a test finds them: %q", page, i+1, line)
		}
	}
	return slices.DeleteFunc(blocks, func(b block) bool { return b.elsewhere(t, page) })
}

// inList reports whether an indented line goes on with an item of a list.
func inList(line string) bool {
	text := strings.TrimSpace(line)
	return text == "" || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "*")
}

// elsewhere reports whether a block is not for this test, and demands that it
// holds nothing else.
func (b block) elsewhere(t *testing.T, page string) bool {
	t.Helper()
	allowed, there := elsewhere[b.word]
	for _, c := range b.commands {
		if there && !slices.ContainsFunc(allowed, func(begin string) bool { return strings.HasPrefix(c, begin) }) {
			t.Errorf("%s:%d: %q is not run by anybody", page, b.line, c)
		}
	}
	return there
}

// script is what a reader would type, as one script of bash. It says before
// each block where it is.
func script(t *testing.T, page string, blocks []block) string {
	t.Helper()
	var s strings.Builder
	s.WriteString("set -euo pipefail\nservers=()\ntrap 'for s in ${servers[@]+\"${servers[@]}\"}; do kill \"$s\" && wait \"$s\" || true; done' EXIT\n")
	for _, b := range blocks {
		fmt.Fprintf(&s, "echo '== %s:%d' >&2\n", page, b.line)
		commands, last := b.commands, ""
		if b.word != "" {
			commands, last = b.commands[:len(b.commands)-1], b.commands[len(b.commands)-1]
		}
		for _, c := range commands {
			s.WriteString(c + "\n")
		}
		want, exits := strings.CutPrefix(b.word, "exit=")
		switch {
		case b.word == "":
		case exits:
			fmt.Fprintf(&s, "code=0; { %s\n} || code=$?; [[ $code == %s ]] || { echo \"exit code $code, want %s\" >&2; exit 1; }\n", last, want, want)
		case b.word == "server":
			fmt.Fprintf(&s, "%s & servers+=($!)\n", last)
			s.WriteString("until plateq_answers; do kill -0 \"${servers[-1]}\"; sleep 0.2; done\n")
		default:
			t.Fatalf("%s:%d: nobody knows what %q means", page, b.line, b.word)
		}
	}
	return s.String()
}

// run runs the blocks of a page, and says at which it failed.
func run(t *testing.T, root string, env []string, page string, blocks []block) {
	t.Helper()
	port := freePort(t)
	text := "plateq_answers() { exec 3<>/dev/tcp/127.0.0.1/" + port + "; } 2>/dev/null\n" +
		strings.ReplaceAll(script(t, page, blocks), "127.0.0.1:8080", "127.0.0.1:"+port)
	cmd := exec.CommandContext(t.Context(), "bash", "-c", text)
	cmd.Dir = root
	cmd.Env = append(slices.Clone(env), "PLATEQ_LISTEN=127.0.0.1:"+port, "PLATEQ_URL=http://127.0.0.1:"+port)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v, after\n%s", page, err, tail(said.String(), 40))
	}
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// environment is that of somebody who has set nothing of Plateq's.
func environment(t *testing.T) []string {
	t.Helper()
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PLATEQ_") })
	return append(env, "PLATEQ_ADMIN_LISTEN=none")
}

// copied is a copy of what a clone would hold.
func copied(t *testing.T) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = ".."
	names, err := list.Output()
	if err != nil {
		cannot(t, fmt.Sprintf("this is no clone: %v", err))
	}
	root := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		copyFile(t, filepath.Join("..", name), filepath.Join(root, name))
	}
	return root
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if os.IsNotExist(err) {
		return // taken away, and not yet committed
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o750)
	}
	if err == nil {
		err = os.WriteFile(to, b, info.Mode().Perm())
	}
	if err != nil {
		t.Fatal(err)
	}
}
