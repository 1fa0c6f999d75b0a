package archtest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is what the rules look at.
type Module struct {
	Path     string // as go.mod names it
	Replaces bool   // go.mod has a replace directive
	Packages []*Package
	Top      []string // entries of the root that .gitignore does not leave out
	Nested   []string // folders with a go.mod of their own, at any depth
	Dirs     []string // all folders that were looked into, and the nested modules
}

// Package is the Go files of one folder, whatever build constraints they carry.
type Package struct {
	Dir   string // slash-separated, relative to the module; "" is the root
	Files []*File
}

// File is one Go file.
type File struct {
	Name      string
	Package   string // of its package clause
	Test      bool
	Generated bool
	Doc       bool // carries a package comment
	Lines     int
	Imports   []Import
	Inits     []int          // lines that declare an init function
	Uses      map[string]int // "os.Getenv" to the line of its first use, for names of imported packages
	Compares  []Comparison
}

// Import is one import declaration.
type Import struct {
	Path string
	Name string // as written before the path: "" for none, "_", "." or an alias
	Line int
}

// Load reads the module whose root fsys is. It parses every file itself, where
// a build tool would see only those that its constraints let through.
func Load(fsys fs.FS) (*Module, error) {
	m := &Module{}
	if err := m.readGoMod(fsys); err != nil {
		return nil, err
	}
	ignored, err := readIgnored(fsys)
	if err != nil {
		return nil, err
	}
	packages := map[string]*Package{}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		if path.Dir(name) == "." && !ignored(name) {
			m.Top = append(m.Top, name)
		}
		if d.IsDir() {
			return m.enter(fsys, name, ignored)
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		f, err := readFile(fsys, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if dir == "." {
			dir = ""
		}
		if packages[dir] == nil {
			packages[dir] = &Package{Dir: dir}
			m.Packages = append(m.Packages, packages[dir])
		}
		packages[dir].Files = append(packages[dir].Files, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	return m, nil
}

// enter notes a folder and says by its error whether to look into it.
func (m *Module) enter(fsys fs.FS, name string, ignored func(string) bool) error {
	base := path.Base(name)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || ignored(name) {
		return fs.SkipDir
	}
	m.Dirs = append(m.Dirs, name)
	_, err := fs.Stat(fsys, path.Join(name, "go.mod"))
	switch {
	case err == nil:
		m.Nested = append(m.Nested, name)
		return fs.SkipDir
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}

func (m *Module) readGoMod(fsys fs.FS) error {
	text, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return fmt.Errorf("read go.mod: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		switch fields := strings.Fields(line); {
		case len(fields) == 2 && fields[0] == "module":
			m.Path = fields[1]
		case len(fields) > 0 && fields[0] == "replace":
			m.Replaces = true
		}
	}
	if m.Path == "" {
		return errors.New("read go.mod: it names no module")
	}
	return nil
}

// readIgnored gives the test for what the top-level .gitignore leaves out. It
// knows the forms used there: names and globs, with or without slashes around.
func readIgnored(fsys fs.FS) (func(name string) bool, error) {
	text, err := fs.ReadFile(fsys, ".gitignore")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read .gitignore: %w", err)
	}
	var anywhere, atTop []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern := strings.Trim(line, "/")
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("read .gitignore: pattern %q: %w", line, err)
		}
		if strings.HasPrefix(line, "/") {
			atTop = append(atTop, pattern)
		} else {
			anywhere = append(anywhere, pattern)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(atTop, func(p string) bool { return globs(p, name) }) ||
			slices.ContainsFunc(anywhere, func(p string) bool { return globs(p, path.Base(name)) })
	}, nil
}

// globs is path.Match for patterns that are known to be well formed.
func globs(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

func readFile(fsys fs.FS, name string) (*File, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &File{
		Name:      path.Base(name),
		Package:   tree.Name.Name,
		Test:      strings.HasSuffix(name, "_test.go"),
		Generated: ast.IsGenerated(tree),
		Doc:       tree.Doc.Text() != "",
		Lines:     bytes.Count(text, []byte("\n")),
		Uses:      map[string]int{},
	}
	line := func(n ast.Node) int { return fset.Position(n.Pos()).Line }

	names := map[string]string{} // what an import is called in this file, to its path
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: import %s: %w", name, line(spec), spec.Path.Value, err)
		}
		imp := Import{Path: imported, Line: line(spec)}
		if spec.Name != nil {
			imp.Name = spec.Name.Name
		}
		names[cmp.Or(imp.Name, path.Base(imported))] = imported
		f.Imports = append(f.Imports, imp)
	}
	for _, decl := range tree.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			f.Inits = append(f.Inits, line(fn))
		}
	}
	f.Compares = comparisons(fset, tree, names)
	ast.Inspect(tree, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && names[x.Name] != "" {
			use := names[x.Name] + "." + sel.Sel.Name
			if f.Uses[use] == 0 {
				f.Uses[use] = line(sel)
			}
		}
		return true
	})
	return f, nil
}
