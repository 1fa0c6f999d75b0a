package diff

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/plateq/plateq/store"
)

// compare says what differs between two rows about the same. No fields: nothing
// does, or neither has an answer.
func compare(before, after store.Row, ignore []string) (Kind, []Field) {
	if !answered(before) && !answered(after) {
		return Unclear, nil
	}
	var fields []Field
	if before.State != after.State {
		fields = append(fields, Field{Name: FieldStatus, Before: quoted(before.State), After: quoted(after.State)})
	}
	if !answered(before) || !answered(after) {
		return Unclear, fields
	}
	found := walk("", decoded(before), decoded(after), nil)
	for _, f := range found {
		if !ignored(f.Name, ignore) {
			fields = append(fields, f)
		}
	}
	return Changed, fields
}

func quoted(s store.State) json.RawMessage { return json.RawMessage(`"` + s.String() + `"`) }

func ignored(name string, ignore []string) bool {
	return slices.ContainsFunc(ignore, func(i string) bool { return name == i || strings.HasPrefix(name, i+".") })
}

// none stands for a value that is not there.
type none struct{}

func decoded(row store.Row) any {
	if row.Answer == nil || len(row.Answer.Result) == 0 {
		return none{}
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(row.Answer.Result))
	dec.UseNumber() // numbers as they are written
	if err := dec.Decode(&v); err != nil {
		return string(row.Answer.Result)
	}
	return v
}

// walk adds the fields in which two values differ, in the order of their names.
func walk(name string, before, after any, fields []Field) []Field {
	a, isA := before.(map[string]any)
	b, isB := after.(map[string]any)
	_, noA := before.(none)
	_, noB := after.(none)
	// A whole result that came or went is shown field by field.
	if top := name == ""; isA && isB || top && (isA && noB || isB && noA) {
		for _, member := range slices.Sorted(maps.Keys(union(a, b))) {
			inner := member
			if name != "" {
				inner = name + "." + member
			}
			fields = walk(inner, at(a, member), at(b, member), fields)
		}
		return fields
	}
	if reflect.DeepEqual(before, after) {
		return fields
	}
	if name == "" {
		name = "result"
	}
	return append(fields, Field{Name: name, Before: encoded(before), After: encoded(after)})
}

func union(a, b map[string]any) map[string]bool {
	all := make(map[string]bool, len(a))
	for name := range a {
		all[name] = true
	}
	for name := range b {
		all[name] = true
	}
	return all
}

func at(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	return none{}
}

func encoded(v any) json.RawMessage {
	if _, missing := v.(none); missing {
		return nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // it was decoded from JSON
	return bytes.TrimSpace(out.Bytes())
}
