package jobs

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plateq/plateq/store"
)

var order = BatchRequest{Provider: "attestr", Items: []map[string]string{{"plate": "DL01AA1000"}}}

// orderOf makes the task of a list and returns its name and payload.
func orderOf(t testing.TB, key []byte, tenant, id string) (name string, payload []byte) {
	t.Helper()
	task, err := NewBatchTask(key, tenant, id, order)
	if err != nil {
		t.Fatal(err)
	}
	return orderName(key, tenant, id), task.Payload()
}

func TestAnOrderIsOpenedForItsTaskAlone(t *testing.T) {
	t.Parallel()
	key, other := store.NewKeys().Enqueue, store.NewKeys().Enqueue
	name, payload := orderOf(t, key, "acme", "DL01AA1000 again")
	got, err := openOrder(key, name, payload)
	if err != nil || got.Tenant != "acme" || got.ID != "DL01AA1000 again" || !strings.Contains(string(got.Body), `"plate":"DL01AA1000"`) {
		t.Errorf("got %+v, %v", got, err)
	}
	if again, _ := orderOf(t, key, "acme", "DL01AA1000 again"); again != name {
		t.Errorf("names %q and %q of one list", name, again)
	}
	if strings.Contains(name, "DL01") || bytes.Contains(payload, []byte("DL01")) || bytes.Contains(payload, []byte("acme")) {
		t.Errorf("task %q shows what is in it", name)
	}
	changed := bytes.Clone(payload)
	changed[len(changed)/2] ^= 1
	for why, open := range map[string]func() error{
		"another key":  func() error { _, err := openOrder(other, name, payload); return err },
		"another task": func() error { _, err := openOrder(key, orderName(key, "acme", "x"), payload); return err },
		"changed":      func() error { _, err := openOrder(key, name, changed); return err },
		"cut":          func() error { _, err := openOrder(key, name, payload[:10]); return err },
		"nothing":      func() error { _, err := openOrder(key, name, nil); return err },
	} {
		if open() == nil {
			t.Errorf("%s: it was opened", why)
		}
	}
}

func TestAnOrderHasBounds(t *testing.T) {
	t.Parallel()
	key := store.NewKeys().Enqueue
	many := BatchRequest{Items: make([]map[string]string, MaxOrderRows+1)}
	huge := BatchRequest{Items: []map[string]string{{"plate": strings.Repeat("x", maxOrder)}}}
	for why, make := range map[string]func() error{
		"no id":      func() error { _, err := NewBatchTask(key, "", "", order); return err },
		"a long id":  func() error { _, err := NewBatchTask(key, "", strings.Repeat("a", 256), order); return err },
		"no items":   func() error { _, err := NewBatchTask(key, "", "a", BatchRequest{}); return err },
		"many items": func() error { _, err := NewBatchTask(key, "", "a", many); return err },
		"huge items": func() error { _, err := NewBatchTask(key, "", "a", huge); return err },
		"a tenant":   func() error { _, err := NewBatchTask(key, "*", "a", order); return err },
		"a key":      func() error { _, err := NewBatchTask(key[:16], "", "a", order); return err },
	} {
		if make() == nil {
			t.Errorf("%s: a task was made", why)
		}
	}
}

func FuzzOpenOrder(f *testing.F) {
	key := store.NewKeys().Enqueue
	name, payload := orderOf(f, key, "acme", "a")
	f.Add(name, payload)
	f.Add("b:1", []byte{})
	f.Fuzz(func(t *testing.T, given string, body []byte) {
		if o, err := openOrder(key, given, body); err == nil && (given != name || !bytes.Equal(body, payload)) {
			t.Errorf("task %q was opened as %+v", given, o)
		}
	})
}

// FuzzMessageWithout: of what is no message nothing is left out, of others that
// field alone.
func FuzzMessageWithout(f *testing.F) {
	f.Add([]byte("\x0a\x01a\x12\x02bc\x28\x07\x12\x00"))
	f.Add([]byte{})
	f.Add([]byte("\x12\xff"))
	f.Fuzz(func(t *testing.T, message []byte) {
		var rest []byte
		told := messageFields(message, func(n protowire.Number, whole, _ []byte) {
			if n != taskPayload {
				rest = append(rest, whole...)
			}
		})
		if !told {
			rest = message
		}
		got := messageWithout(bytes.Clone(message), taskPayload)
		if !bytes.Equal(got, rest) || told && messageText(got, taskPayload) != nil {
			t.Errorf("of %x is left %x, want %x", message, got, rest)
		}
	})
}
