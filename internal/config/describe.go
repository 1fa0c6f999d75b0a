package config

import (
	"fmt"
	"slices"
	"strings"
)

// Variable describes one variable, as `plateq config` shows it.
type Variable struct {
	Name    string `json:"name"`
	Value   string `json:"value"` // in effect; a secret is masked
	Default string `json:"default"`
	About   string `json:"about"`
	Set     bool   `json:"set"` // in the environment, or through its file
	Secret  bool   `json:"secret,omitempty"`
	File    bool   `json:"file,omitempty"` // NAME_FILE is there too
	implied bool   // Default is a description, not a value
}

// Variables describes every variable with what is in effect.
func (c *Config) Variables() []Variable { return slices.Clone(c.variables) }

// Describe describes every variable with its default in effect.
func Describe() []Variable {
	var c Config
	r := newReader(nil, c.parts())
	for _, p := range c.parts() {
		r.parse(p)
	}
	return r.variables
}

// Example returns the text of .env.example: every variable, its meaning, and
// its default behind a comment sign.
func Example() string {
	var b strings.Builder
	b.WriteString("# Every variable of Plateq with its default. Written by go generate; do not edit.\n")
	b.WriteString("# A variable marked (_FILE) may be given as NAME_FILE, the path of a file that holds it.\n")
	for _, v := range Describe() {
		standard := v.Default
		b.WriteString("\n# " + v.About)
		if v.implied {
			b.WriteString("; default: " + v.Default)
			standard = ""
		}
		if v.File {
			b.WriteString(" (_FILE)")
		}
		fmt.Fprintf(&b, "\n#%s=%s\n", v.Name, standard)
	}
	return b.String()
}
