package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Finding is one breach of one rule.
type Finding struct {
	Where string // file:line, file or folder
	What  string
	Why   string
}

func (f Finding) String() string { return f.Where + ": " + f.What + " (" + f.Why + ")" }

// Check holds m against all rules and returns what breaks them, in the order
// of m's packages.
func Check(m *Module) []Finding {
	c := newChecker(m)
	c.check()
	return c.findings
}

func newChecker(m *Module) *checker { return &checker{module: m, open: map[open]bool{}} }

func (c *checker) check() {
	m := c.module
	c.tree()
	for _, p := range m.Packages {
		c.packageRules(p)
		for _, f := range p.Files {
			c.fileRules(p, f)
			c.compared(p, f)
			for _, imp := range f.Imports {
				c.arrow(p, f, imp)
				c.sole(p, f, imp)
				c.effect(p, f, imp)
			}
		}
	}
}

type checker struct {
	module   *Module
	findings []Finding
	open     map[open]bool // that were met
}

func (c *checker) add(where, what, why string) {
	c.findings = append(c.findings, Finding{Where: where, What: what, Why: why})
}

// tree checks what is seen without opening a source file.
func (c *checker) tree() {
	m := c.module
	if m.Replaces {
		c.add("go.mod", "replace directive", "go install refuses a module that has one")
	}
	for _, name := range m.Top {
		if !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) {
			c.add(name, "unexpected at the top of the repository", "a newcomer reads the top first; each entry there has its reason")
		}
	}
	for _, dir := range m.Nested {
		if !slices.Contains(ownModule, dir) {
			c.add(dir, "go.mod of its own", "an application is one module; more cost a tag each at every release")
		}
	}
	for _, dir := range ownModule {
		if slices.Contains(m.Dirs, dir) && !slices.Contains(m.Nested, dir) {
			c.add(dir, "no go.mod of its own", "its dependencies are not the product's")
		}
	}
}

func (c *checker) packageRules(p *Package) {
	sources := slices.DeleteFunc(slices.Clone(p.Files), func(f *File) bool { return f.Test })
	if len(sources) == 0 {
		sources = p.Files
	}
	var docs []string
	for _, f := range sources {
		if f.Doc {
			docs = append(docs, f.Name)
		}
	}
	if len(docs) != 1 {
		c.add(where(p), fmt.Sprintf("package comment in %d files %v, want 1", len(docs), docs),
			"the comment says what the package is for and what it promises, in one place")
	}
	if name := sources[0].Package; badNames[name] != "" {
		c.add(where(p), "package "+name, badNames[name])
	}
	if _, ok := arrowOf(p.Dir); !ok {
		c.add(where(p), "package without an arrow", "every package has its place in the layers, stated in the rules of archtest")
	}
}

func (c *checker) fileRules(p *Package, f *File) {
	if f.Generated {
		return
	}
	for _, line := range f.Inits {
		c.add(at(p, f, line), "init function", "what happens on import cannot be ordered, configured or tested")
	}
	if f.Test {
		return
	}
	if f.Lines > maxLines {
		c.add(path.Join(p.Dir, f.Name), fmt.Sprintf("%d lines, at most %d", f.Lines, maxLines), "a longer file is more than one thing")
	}
	if p.Dir == "cmd/plateq" && f.Name == "main.go" && f.Lines > maxMainLines {
		c.add(path.Join(p.Dir, f.Name), fmt.Sprintf("%d lines, at most %d", f.Lines, maxMainLines), "main starts the product and holds nothing of it")
	}
	for _, rule := range calls {
		if line := f.Uses[rule.Func]; line != 0 && !matchesAny(rule.By, p.Dir) {
			c.add(at(p, f, line), rule.Func, rule.Why)
		}
	}
}

func (c *checker) arrow(p *Package, f *File, imp Import) {
	rule, ok := arrowOf(p.Dir)
	if f.Test || !ok {
		return
	}
	target, ours := c.ours(imp.Path)
	switch {
	case ours && target != p.Dir && !matchesAny(rule.To, target):
		c.add(at(p, f, imp.Line), fmt.Sprintf("%s imports %s", where(p), target), rule.Why)
	case !ours && rule.StdOnly && !standard(imp.Path):
		c.add(at(p, f, imp.Line), fmt.Sprintf("%s imports %s, from outside the standard library", where(p), imp.Path), rule.Why)
	}
}

func (c *checker) sole(p *Package, f *File, imp Import) {
	for _, rule := range soles {
		// An external test lives in the folder of what it tests and may import it.
		if f.Test && (!rule.Tests || rule.Import == "./"+p.Dir) {
			continue
		}
		if c.names(rule.Import, imp.Path) && !matchesAny(rule.By, p.Dir) {
			c.add(at(p, f, imp.Line), fmt.Sprintf("%s imports %s", where(p), imp.Path), rule.Why)
		}
	}
}

// effect checks imports that do not name what they bring in.
func (c *checker) effect(p *Package, f *File, imp Import) {
	if imp.Name == "." {
		c.add(at(p, f, imp.Line), "dot import of "+imp.Path, "a reader, and these rules, could not tell whose names are used")
	}
	if imp.Name != "_" {
		return
	}
	for _, rule := range blanks {
		if rule.Import == imp.Path && matchesAny(rule.By, p.Dir) {
			return
		}
	}
	c.add(at(p, f, imp.Line), "blank import of "+imp.Path, "what is linked is named where it is used")
}

// ours turns an import path into the folder inside the module.
func (c *checker) ours(importPath string) (dir string, ok bool) {
	if importPath == c.module.Path {
		return "", true
	}
	return strings.CutPrefix(importPath, c.module.Path+"/")
}

// names tells whether a rule's import is, or holds, the imported path.
func (c *checker) names(rule, importPath string) bool {
	if dir, ours := c.ours(importPath); ours {
		return rule == "./"+dir
	}
	if standard(importPath) {
		return rule == importPath
	}
	return rule == importPath || strings.HasPrefix(importPath, rule+"/")
}

// standard: a path of the standard library has no dot in its first segment.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func arrowOf(dir string) (arrow, bool) {
	i := slices.IndexFunc(arrows, func(a arrow) bool { return matches(a.From, dir) })
	if i < 0 {
		return arrow{}, false
	}
	return arrows[i], true
}

func matchesAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, dir) })
}

func matches(pattern, dir string) bool {
	if pattern == "*" {
		return true
	}
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return dir == folder || strings.HasPrefix(dir, folder+"/")
	}
	return globs(pattern, dir)
}

func where(p *Package) string {
	if p.Dir == "" {
		return "."
	}
	return p.Dir
}

func at(p *Package, f *File, line int) string {
	return fmt.Sprintf("%s:%d", path.Join(p.Dir, f.Name), line)
}
