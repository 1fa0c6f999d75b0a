package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Comparison is a comparison of two values one of which has the name of
// something secret, by means that end at the first difference.
type Comparison struct {
	Text string // the expression, as gofmt writes it
	Line int
}

// secretName finds what should be compared in constant time, by how it ends.
var secretName = regexp.MustCompile(`(?i)(mac|sig|signature|token|secret|password|seccode|digest|hash|hashes|sum|fingerprint|print|key|keys|cookie|nonce|proof)$`)

// comparers end at the first difference, as == does.
var comparers = []string{"bytes.Equal", "bytes.Compare", "slices.Equal", "slices.Compare", "strings.EqualFold", "strings.Compare", "cmp.Compare", "reflect.DeepEqual"}

// comparisons are those of a file, in order.
func comparisons(fset *token.FileSet, tree *ast.File, names map[string]string) []Comparison {
	var all []Comparison
	ast.Inspect(tree, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		var sides []ast.Expr
		switch n := e.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				sides = []ast.Expr{n.X, n.Y}
			}
		case *ast.CallExpr:
			if slices.Contains(comparers, calledAs(n, names)) {
				sides = n.Args
			}
		}
		if slices.ContainsFunc(sides, named) && !slices.ContainsFunc(sides, known) {
			all = append(all, Comparison{types.ExprString(e), fset.Position(e.Pos()).Line})
		}
		return true
	})
	return all
}

// calledAs is the function of an imported package that is called, as the import
// path has it; "": another one.
func calledAs(call *ast.CallExpr, names map[string]string) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return names[x.Name] + "." + sel.Sel.Name
}

// named reports whether a value has a name of something secret.
func named(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return secretName.MatchString(e.Name)
	case *ast.SelectorExpr:
		return secretName.MatchString(e.Sel.Name)
	case *ast.ParenExpr:
		return named(e.X)
	case *ast.StarExpr:
		return named(e.X)
	case *ast.UnaryExpr:
		return named(e.X)
	case *ast.SliceExpr:
		return named(e.X)
	case *ast.IndexExpr:
		return named(e.X)
	case *ast.CallExpr: // a conversion, or what returns something secret
		return named(e.Fun) || len(e.Args) == 1 && !counts(e.Fun) && named(e.Args[0])
	}
	return false
}

// counts reports whether a function tells of its argument no more than how much
// it is.
func counts(fun ast.Expr) bool {
	id, ok := fun.(*ast.Ident)
	return ok && (id.Name == "len" || id.Name == "cap")
}

// known reports whether a value is written in the source, or counts something,
// so that there is nothing to be found out by comparing with it.
func known(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		return counts(e.Fun)
	case *ast.ParenExpr:
		return known(e.X)
	}
	return false
}

// open is a comparison that may end early, and why nothing can be learnt by
// that.
type open struct{ File, Text, Why string }

const (
	whyPublic = "it is the name of a secret, or of a kind of one, and known"
	whyMark   = "a constant, which is known"
	whySeed   = "hashes with a seed that nobody else has, and that ends with the comparison"
	whyDamage = "a checksum against damage, not against people"
	whyOrder  = "hashes of ours among themselves: nobody outside gives one"
	whyListed = "a hash of a plate that whoever sent it knows, and that opens nothing"
)

var opens = []open{
	{"internal/diff/diff.go", "a.key == b.key", whySeed},
	{"internal/diff/diff.go", "old[i].digest != r.keys.digest(row)", whySeed},
	{"internal/intake/row.go", "c == providers.FIOBirthHash", whyPublic},
	{"internal/intake/row.go", "c == providers.PassportHash", whyPublic},
	{"internal/web/keys.go", "id == v.session.key", whyPublic},
	{"providers/aopay/answer.go", "got.code == codeSignature", whyMark},
	{"providers/attestr/listing.go", "l.plates[i] == hash", whyListed},
	{"store/plan.go", "bytes.Compare(a.AskKey[:], b.AskKey[:])", whyOrder},
	{"store/plan.go", "asked[to].AskKey == asked[from].AskKey", whyOrder},
	{"store/postgres/tickets.go", "bytes.Compare(a.key, b.key)", whyOrder},
	{"store/reseal.go", "key != hex.EncodeToString(s.first[:])", whyPublic},
	{"store/seal.go", "version == sealedByKey", whyMark},
	{"store/sealer.go", "sealed[0] != sealedByKey", whyMark},
	{"store/spool_file.go", "sum == crc32.Checksum(page[:sumAt], spoolSums)", whyDamage},
	{"store/spool_file.go", "sum == binary.BigEndian.Uint32(b[16:])", whyDamage},
	{"store/suppress.go", "s.Key == key", whyOrder},
}

// otherSide plays those whom the product speaks with, with secrets that are
// made up.
var otherSide = []string{"providers/sim", "internal/chaos", "examples/generate"}

// compared holds what is compared against what may be.
func (c *checker) compared(p *Package, f *File) {
	if f.Test || f.Generated || slices.Contains(otherSide, p.Dir) || strings.HasSuffix(p.Dir, "test") {
		return
	}
	file := path.Join(p.Dir, f.Name)
	for _, cmp := range f.Compares {
		i := slices.IndexFunc(opens, func(o open) bool { return o.File == file && o.Text == cmp.Text })
		if i < 0 {
			c.add(at(p, f, cmp.Line), cmp.Text, "who measures how long that takes learns how much is right: hmac.Equal or subtle.ConstantTimeCompare, or a reason in archtest")
			continue
		}
		c.open[opens[i]] = true
	}
}
