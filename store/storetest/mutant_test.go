package storetest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// mutant is a fault that somebody could make in the store, and the rule that
// must notice it.
type mutant struct {
	rule  string // as storetest.Rules names it
	file  string // that is changed, from the root of the module
	fault string // what is wrong then
	// Whole lines of the file, and what stands there instead.
	old, new string
}

// apply returns the source with the fault in it. The lines must be there, and
// only once.
func (m *mutant) apply(source string) (string, error) {
	// A line break before the lines makes them whole ones.
	before, after, found := strings.Cut("\n"+source, "\n"+m.old)
	if !found {
		return "", errors.New("the lines to be changed are not there")
	}
	if strings.Contains("\n"+after, "\n"+m.old) {
		return "", errors.New("the lines to be changed are there more than once")
	}
	return (before + "\n" + m.new + after)[1:], nil
}

// readMutants reads a table of mutants: a file for each subject of rules, with
// entries that blank lines part. An entry names the rule, the file and the
// fault, then shows the change as a diff does, which changes one place:
//
//	rule   claim: an ask is claimed once
//	file   store/chunk.go
//	fault  asks stay queued when they are taken
//	-	old line
//	+	new line
func readMutants(table fs.FS) ([]mutant, error) {
	names, err := fs.Glob(table, "*.txt")
	if err != nil {
		return nil, err
	}
	var all []mutant
	for _, name := range names {
		text, err := fs.ReadFile(table, name)
		if err != nil {
			return nil, err
		}
		subject := strings.ReplaceAll(strings.TrimSuffix(path.Base(name), ".txt"), "-", " ")
		for entry := range strings.SplitSeq(strings.Trim(string(text), "\n"), "\n\n") {
			m, err := parseMutant(entry)
			if err == nil && !strings.HasPrefix(m.rule, subject+": ") {
				err = errors.New("its rule belongs to another file")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: entry of rule %q: %w", name, m.rule, err)
			}
			all = append(all, m)
		}
	}
	return all, nil
}

func parseMutant(entry string) (m mutant, err error) {
	for line := range strings.Lines(entry + "\n") {
		switch line[0] {
		case '-':
			m.old += line[1:]
		case '+':
			m.new += line[1:]
		case ' ':
			m.old += line[1:]
			m.new += line[1:]
		default:
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			into := map[string]*string{"rule": &m.rule, "file": &m.file, "fault": &m.fault}[word]
			if into == nil || *into != "" {
				return m, fmt.Errorf("line %q is none of rule, file and fault, nor of a diff", strings.TrimSpace(line))
			}
			*into = strings.TrimSpace(rest)
		}
	}
	if slices.Contains([]string{m.rule, m.file, m.fault, m.old}, "") || m.old == m.new {
		return m, errors.New("it is not complete")
	}
	return m, nil
}
