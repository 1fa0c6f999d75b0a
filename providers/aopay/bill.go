package aopay

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/plateq/plateq/providers/internal/wirejson"
)

// field is a field of an answer, as the document names it, and how it is
// written in a result.
type field struct {
	name  string
	write func(json.RawMessage) json.RawMessage
}

// billFetch is the field that holds fields of its own.
const billFetch = "bill_fetch"

// The fields in the document's order; response_code, status and the bill_fetch
// object itself are written apart.
var (
	head  = []field{{"amount", text}, {"name", name}, {"duedate", text}}
	inner = []field{
		{"billAmount", text}, {"billnetamount", text}, {"dueDate", text}, {"maxBillAmount", text},
		{"acceptPayment", boolean}, {"acceptPartPay", boolean}, {"cellNumber", text}, {"userName", name},
	}
	tail = []field{{"message", text}}
)

// resultFields are the fields of a result, as a Spec names them.
func resultFields() []string {
	names := []string{"response_code", "status"}
	for _, f := range head {
		names = append(names, f.name)
	}
	for _, f := range inner {
		names = append(names, billFetch+"."+f.name)
	}
	return append(names, tail[0].name)
}

// result holds the documented fields of an answer that was found, in the
// document's order. One that the answer does not have is null; bill_fetch is
// null where it is no object.
func (a answer) result() json.RawMessage {
	var b bytes.Buffer
	b.WriteString(`{"response_code":` + a.code + `,"status":true,`)
	writeFields(&b, a.bill, head)
	b.WriteString(`,"` + billFetch + `":`)
	if bill, err := wirejson.Members(a.bill[billFetch]); err == nil {
		b.WriteByte('{')
		writeFields(&b, bill, inner)
		b.WriteByte('}')
	} else {
		b.WriteString("null")
	}
	b.WriteByte(',')
	writeFields(&b, a.bill, tail)
	b.WriteByte('}')
	return b.Bytes()
}

func writeFields(b *bytes.Buffer, o wirejson.Object, fields []field) {
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + f.name + `":`)
		if value := o[f.name]; len(value) > 0 {
			b.Write(f.write(value))
		} else {
			b.WriteString("null")
		}
	}
}

// text writes a number as text and leaves anything else as it came. Money
// keeps its digits by it, which as a number would lose the last zeros.
func text(value json.RawMessage) json.RawMessage {
	if value[0] == '-' || value[0] >= '0' && value[0] <= '9' {
		return json.RawMessage(`"` + string(value) + `"`)
	}
	return value
}

// name writes a name with single blanks: AOPay puts two where it has no
// middle name.
func name(value json.RawMessage) json.RawMessage {
	s, ok := wirejson.Object{"": value}.Text("")
	if plain := strings.Join(strings.Fields(s), " "); ok && plain != s {
		return quoted(plain)
	}
	return text(value)
}

// boolean writes true and false, which may come as text.
func boolean(value json.RawMessage) json.RawMessage {
	switch is, ok := readBool(value); {
	case !ok:
		return value
	case is:
		return json.RawMessage("true")
	default:
		return json.RawMessage("false")
	}
}

func readBool(value json.RawMessage) (is, ok bool) {
	switch strings.ToLower(strings.Trim(string(value), `"`)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// quoted writes s as a JSON string, with <, > and & as they are.
func quoted(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text can always be written
	return bytes.TrimSpace(b.Bytes())
}
