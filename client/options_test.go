package client_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
)

// TestEveryOptionIsSent sets the options one by one, and wants each to change
// what is sent by every call but those that its comment leaves out.
func TestEveryOptionIsSent(t *testing.T) {
	t.Parallel()
	calls := map[string]func(*client.Client, client.SubmitOptions) error{
		"Submit": func(c *client.Client, o client.SubmitOptions) error {
			_, err := c.Submit(t.Context(), o, strings.NewReader("plate\nDL01AA1000\n"))
			return err
		},
		"SubmitItems": func(c *client.Client, o client.SubmitOptions) error {
			_, err := c.SubmitItems(t.Context(), o, []client.Item{{"plate": "DL01AA1000"}})
			return err
		},
		"LookUp": func(c *client.Client, o client.SubmitOptions) error {
			_, err := c.LookUp(t.Context(), o, client.Item{"plate": "DL01AA1000"}, time.Second)
			return err
		},
	}
	comments := commentsOf(t, "submit.go", "SubmitOptions")
	all := reflect.TypeFor[client.SubmitOptions]()
	for name, call := range calls {
		sent := func(o client.SubmitOptions) string {
			o.Key += "order" // or another one is made up each time
			var wire string
			c, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
				wire = written(r)
				_, _ = io.WriteString(w, "{}")
			})
			if err := call(c, o); err != nil {
				t.Fatal(err)
			}
			return wire
		}
		plain := sent(client.SubmitOptions{})
		for field := range all.Fields() {
			var o client.SubmitOptions
			mark := set(t, reflect.ValueOf(&o).Elem().FieldByIndex(field.Index), field.Name)
			got := sent(o)
			if address, _, _ := strings.Cut(got, "\n"); strings.Contains(address, "mark") && field.Name != "Provider" {
				t.Errorf("%s: %s stands in the address: %s", name, field.Name, address)
			}
			wanted := name == "Submit" || !strings.Contains(comments[field.Name], "Only for Submit.")
			if is := got != plain && strings.Contains(got, mark); is != wanted {
				t.Errorf("%s: that %s is sent is %t, want %t; there is:\n%s", name, field.Name, is, wanted, got)
			}
		}
	}
}

// set gives an option a value, and returns what shows where it is sent.
func set(t *testing.T, field reflect.Value, name string) (mark string) {
	t.Helper()
	mark = "mark" + name
	switch v := field.Addr().Interface().(type) {
	case *string:
		*v = mark
	case *client.Format:
		*v = client.Format(mark)
	case *json.RawMessage:
		*v = json.RawMessage(`{"k":"` + mark + `"}`)
	case *map[string]string:
		*v = map[string]string{"k": mark}
	case *[]string:
		*v = []string{mark}
	case *bool:
		*v, mark = true, "true"
	case *int:
		*v, mark = 4711, "4711"
	case *float64:
		*v, mark = 4711.5, "4711.5"
	default:
		t.Fatalf("%s is of a kind that this test does not know: %T", name, v)
	}
	return mark
}

// written is all that is said by a request, whatever says it.
func written(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	var lines []string
	for name, values := range r.Header {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	text := fmt.Sprintf("%s?%s\n%s\n%s", r.URL.Path, r.URL.RawQuery, strings.Join(lines, "\n"), body)
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// commentsOf returns what a file says of each field of a struct.
func commentsOf(t *testing.T, file, name string) map[string]string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != name {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			for _, one := range field.Names {
				found[one.Name] = strings.Join(strings.Fields(field.Doc.Text()+field.Comment.Text()), " ")
			}
		}
		return false
	})
	if len(found) == 0 {
		t.Fatalf("%s has no struct %s", file, name)
	}
	return found
}
