package config

import (
	"cmp"
	"fmt"
	"strings"
)

const referenceHead = `# Configuration

Written by ` + "`go generate`" + `; do not edit. Plateq reads environment variables and nothing else. What is in effect is shown by ` + "`plateq config`" + `,
secrets masked. A name that begins with ` + "`PLATEQ_`" + ` and is not among these is pointed out at the start.

**file**: the value may stand in a file instead, which ` + "`NAME_FILE`" + ` names: for secrets, so that they are in no environment.
Times are such as ` + "`30s`, `15m`, `48h` and `90d`" + `.
`

// Reference returns docs/configuration.md: every variable in tables, those of
// each provider by themselves.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	group := ""
	for _, v := range Describe() {
		if g := cmp.Or(providerOf(v.Name), "Plateq"); g != group {
			fmt.Fprintf(&b, "\n## %s\n\n| variable | default | file | meaning |\n|---|---|---|---|\n", g)
			group = g
		}
		standard, file := "", ""
		switch {
		case v.implied:
			standard = cell(v.Default)
		case v.Default != "":
			standard = "`" + cell(v.Default) + "`"
		}
		if v.File {
			file = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Name, standard, file, cell(v.About))
	}
	return b.String()
}

// cell is text within a table.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(s) }

// providerOf returns the title of the provider whose variable that is; empty:
// nobody's.
func providerOf(name string) string {
	for _, p := range []struct{ part, title string }{
		{"ATTESTR", "Attestr"}, {"REGNUM", "REGNUM"}, {"SPECTRUMDATA", "SpectrumData"}, {"RESSER", "Resser"}, {"AOPAY", "AOPay"},
	} {
		if strings.HasPrefix(name, "PLATEQ_"+p.part+"_") {
			return p.title
		}
	}
	return ""
}
