package aopay

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/plateq/plateq/providers/internal/wirejson"
)

// field is a field of an answer, as the document names it, and how it is
// written behind what there is of a result.
type field struct {
	name  string
	write func(b []byte, value json.RawMessage) []byte
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
	const usual = 512 // bytes, of which the names take 220
	b := append(make([]byte, 0, usual), `{"response_code":`...)
	b = append(append(b, a.code...), `,"status":true,`...)
	b = appendFields(b, a.bill, head)
	b = append(b, `,"`+billFetch+`":`...)
	if bill, err := wirejson.Members(a.bill.Get(billFetch)); err == nil {
		b = append(appendFields(append(b, '{'), bill, inner), '}')
	} else {
		b = append(b, "null"...)
	}
	return append(appendFields(append(b, ','), a.bill, tail), '}')
}

func appendFields(b []byte, o wirejson.Object, fields []field) []byte {
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.name...), `":`...)
		if value := o.Get(f.name); len(value) > 0 {
			b = f.write(b, value)
		} else {
			b = append(b, "null"...)
		}
	}
	return b
}

// text writes a number as text and leaves anything else as it came. Money
// keeps its digits by it, which as a number would lose the last zeros.
func text(b []byte, value json.RawMessage) []byte {
	if value[0] == '-' || value[0] >= '0' && value[0] <= '9' {
		return append(append(append(b, '"'), value...), '"')
	}
	return append(b, value...)
}

// name writes a name with single blanks: AOPay puts two where it has no
// middle name.
func name(b []byte, value json.RawMessage) []byte {
	s, ok := wirejson.Text(value)
	if plain := strings.Join(strings.Fields(s), " "); ok && plain != s {
		return wirejson.AppendText(b, plain)
	}
	return text(b, value)
}

// boolean writes true and false, which may come as text.
func boolean(b []byte, value json.RawMessage) []byte {
	is, ok := readBool(value)
	if !ok {
		return append(b, value...)
	}
	return strconv.AppendBool(b, is)
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
