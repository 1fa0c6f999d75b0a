package attestr_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
)

const webhookToken = "canary-webhook"

func mac(h func() hash.Hash, key, text string) string {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

// signature is that of the document.
func signature(text string) string { return mac(sha256.New, secret, text) }

func basic(token string) http.Header { return http.Header{"Authorization": {"Basic " + token}} }

// The output of a record that was found, and that record as a poll lists it.
const (
	innerOutput  = `{"valid":true,"status":"VALID_FOUND","contact":"9800000010"}`
	recordOutput = `{"_id":"i1","requestId":"q1","batchId":"b1","number":"N-1","status":"COMPLETED","input":{"reg":"dl 01-AA1000"},"output":` + innerOutput + `}`
)

// completed is the webhook about a record that has ended.
func completed(output, signature string) string {
	return fmt.Sprintf(`{"event":"async.completed","payload":{"_id":"i1","requestId":"q1","status":"COMPLETED","output":%s,"error":null,"signature":%s}}`,
		output, signature)
}

func signed(output string) string { return completed(output, `"`+signature(output)+`"`) }

// errored is the webhook about a record that ended in an error.
func errored() string {
	return `{"event":"async.errored","payload":{"_id":"i1","requestId":"q1","status":"ERRORED","output":null,` +
		`"error":{"code":5001,"message":"Request could not be processed"},"signature":null}}`
}

// readCallback reads a webhook as a set does.
func readCallback(t *testing.T, change func(*attestr.Config), h http.Header, body string) ([]providers.Hint, error) {
	t.Helper()
	cfg := config("http://127.0.0.1:1")
	if change != nil {
		change(&cfg)
	}
	return newSet(t, newProvider(t, cfg)).ReadCallback("attestr", h, []byte(body))
}

func about(form string, hints ...providers.Hint) []providers.Hint {
	hints = slices.Clone(hints)
	for i := range hints {
		hints[i].Signed = form
	}
	return hints
}

// wholeRecord is what recordOutput names, payloadAlone what is said beside it.
func wholeRecord() []providers.Hint {
	return about("raw",
		providers.Hint{Ticket: "b1", Record: "i1", Subject: providers.Subject{providers.Plate: "DL01AA1000"}},
		providers.Hint{Record: "q1"}, providers.Hint{Record: "i1"}, providers.Hint{Ticket: "i1"})
}

func payloadAlone() []providers.Hint {
	return []providers.Hint{{Record: "q1"}, {Record: "i1"}, {Ticket: "i1"}}
}

func TestWebhookNamesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	whole, inner := wholeRecord(), payloadAlone()
	asString := `"` + strings.ReplaceAll(recordOutput, `"`, `\"`) + `"`
	spaced := strings.ReplaceAll(recordOutput, `,"`, ", \n\t\"")
	for name, tc := range map[string]struct {
		body string
		want []providers.Hint
	}{
		"a record":                   {signed(recordOutput), about("raw", whole...)},
		"a record's output":          {signed(innerOutput), about("raw", inner...)},
		"a record in a string":       {completed(asString, `"`+signature(recordOutput)+`"`), about("string", whole...)},
		"a string as it is written":  {completed(asString, `"`+signature(asString)+`"`), about("raw", whole...)},
		"blanks put in on the way":   {completed(spaced, `"`+signature(recordOutput)+`"`), about("compact", whole...)},
		"blanks that are signed":     {signed(spaced), about("raw", whole...)},
		"angle brackets":             {signed(`{"_id":"i1","requestId":"q1","note":"<&>"}`), about("raw", providers.Hint{Record: "i1"}, providers.Hint{Record: "q1"}, providers.Hint{Ticket: "i1"})},
		"the batch's id":             {strings.ReplaceAll(signed(innerOutput), `"_id":"i1"`, `"_id":"b1"`), about("raw", providers.Hint{Record: "q1"}, providers.Hint{Record: "b1"}, providers.Hint{Ticket: "b1"})},
		"a plate alone":              {strings.ReplaceAll(signed(`{"input":{"reg":"DL01AA1000"}}`), `"_id":"i1","requestId":"q1",`, ""), about("raw", providers.Hint{Subject: providers.Subject{providers.Plate: "DL01AA1000"}})},
		"an id as a number":          {strings.ReplaceAll(signed(innerOutput), `"_id":"i1"`, `"_id":17`), about("raw", providers.Hint{Record: "q1"}, providers.Hint{Record: "17"}, providers.Hint{Ticket: "17"})},
		"an error":                   {errored(), about("", inner...)},
		"without an envelope":        {strings.TrimSuffix(strings.TrimPrefix(signed(recordOutput), `{"event":"async.completed","payload":`), "}"), about("raw", whole...)},
		"without one, an error":      {strings.TrimSuffix(strings.TrimPrefix(errored(), `{"event":"async.errored","payload":`), "}"), about("", inner...)},
		"a byte order mark":          {"\ufeff" + signed(recordOutput), about("raw", whole...)},
		"another product":            {`{"event":"factx.query","payload":{"_id":"x"}}`, nil},
		"another product, otherwise": {`{"event":"flowx.completed","payload":["x"]}`, nil},
		"another product, without":   {`{"event":"flowx.completed"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readCallback(t, nil, basic(webhookToken), tc.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func wantClass(t *testing.T, what string, hints []providers.Hint, err error, want providers.Class) {
	t.Helper()
	if !errors.Is(err, want) || len(hints) > 0 {
		t.Errorf("%s: got %v, %v, want %v", what, hints, err, want)
	}
	if err != nil && (strings.Contains(err.Error(), webhookToken) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "DL01")) {
		t.Errorf("%s: text of the error tells too much: %v", what, err)
	}
}

func TestForgedWebhook(t *testing.T) {
	t.Parallel()
	good := signature(recordOutput)
	noToken := func(c *attestr.Config) { c.WebhookToken = "" }
	for name, body := range map[string]string{
		"no signature":        completed(recordOutput, "null"),
		"an empty signature":  completed(recordOutput, `""`),
		"a short signature":   completed(recordOutput, `"`+good[:63]+`"`),
		"a long signature":    completed(recordOutput, `"`+good+`0"`),
		"a signature in caps": completed(recordOutput, `"`+strings.ToUpper(good)+`"`),
		"another secret":      completed(recordOutput, `"`+mac(sha256.New, "another", recordOutput)+`"`),
		"no secret":           completed(recordOutput, `"`+mac(sha256.New, "", recordOutput)+`"`),
		"another algorithm":   completed(recordOutput, `"`+mac(sha1.New, secret, recordOutput)+`"`),
		"no digits":           completed(recordOutput, `"sha256=`+good+`"`),
		"a number":            completed(recordOutput, "12345678"),
		"a list":              completed(recordOutput, `["`+good+`"]`),
		"no output":           strings.Replace(signed(recordOutput), `"output"`, `"outputs"`, 1),
		"signed nothing":      completed("null", `"`+signature("")+`"`),
	} {
		for set, change := range map[string]func(*attestr.Config){"with a token": nil, "without": noToken} {
			hints, err := readCallback(t, change, basic(webhookToken), body)
			wantClass(t, name+" "+set, hints, err, providers.Unauthorised)
		}
	}
	for name, h := range map[string]http.Header{
		"no header":      nil,
		"no token":       {"Authorization": {"Basic"}},
		"an empty token": {"Authorization": {"Basic "}},
		"a short token":  basic(webhookToken[:len(webhookToken)-1]),
		"a long token":   basic(webhookToken + "x"),
		"in capitals":    basic(strings.ToUpper(webhookToken)),
		"another scheme": {"Authorization": {"Bearer " + webhookToken}},
		"the API's own":  basic(token),
		"two headers":    {"Authorization": {"Basic " + webhookToken, "Basic " + webhookToken}},
	} {
		for what, body := range map[string]string{"signed": signed(recordOutput), "an error": errored(), "nonsense": "{"} {
			hints, err := readCallback(t, nil, h, body)
			wantClass(t, name+", "+what, hints, err, providers.Unauthorised)
		}
	}
}

// TestWhoVouchesForAWebhook covers which of token and signature must be there.
func TestWhoVouchesForAWebhook(t *testing.T) {
	t.Parallel()
	both := func(*attestr.Config) {}
	onlyToken := func(c *attestr.Config) { c.ClientSecret = "" }
	onlySecret := func(c *attestr.Config) { c.WebhookToken = "" }
	neither := func(c *attestr.Config) { c.WebhookToken, c.ClientSecret = "", "" }
	unsigned := completed(recordOutput, "null")
	other := `{"event":"factx.query","payload":{"_id":"x"}}`
	for name, tc := range map[string]struct {
		change func(*attestr.Config)
		body   string
		good   bool
	}{
		"both, signed":             {both, signed(recordOutput), true},
		"both, unsigned":           {both, unsigned, false},
		"both, an error":           {both, errored(), true},
		"both, another product":    {both, other, true},
		"token, signed":            {onlyToken, signed(recordOutput), true},
		"token, unsigned":          {onlyToken, unsigned, true},
		"token, an error":          {onlyToken, errored(), true},
		"secret, signed":           {onlySecret, signed(recordOutput), true},
		"secret, unsigned":         {onlySecret, unsigned, false},
		"secret, an error":         {onlySecret, errored(), false},
		"secret, another product":  {onlySecret, other, false},
		"neither, signed":          {neither, signed(recordOutput), false},
		"neither, unsigned":        {neither, unsigned, false},
		"neither, an error":        {neither, errored(), false},
		"neither, another product": {neither, other, false},
	} {
		hints, err := readCallback(t, tc.change, basic(webhookToken), tc.body)
		if !tc.good {
			wantClass(t, name, hints, err, providers.Unauthorised)
		} else if err != nil {
			t.Errorf("%s: got %v, want it to be believed", name, err)
		}
	}
	hints, err := readCallback(t, onlyToken, basic(webhookToken), signed(recordOutput))
	if err != nil || len(hints) == 0 || hints[0].Signed != "" {
		t.Errorf("got %v, %v, want nothing called signed that could not be verified", hints, err)
	}
}

// TestChangedWebhook changes what was signed.
func TestChangedWebhook(t *testing.T) {
	t.Parallel()
	text := `{"_id":"i1","batchId":"b1","n":1.0,"note":"\u00e9<","input":{"reg":"DL01AA1000"}}`
	good := `"` + signature(text) + `"`
	set := newSet(t, newProvider(t, config("http://127.0.0.1:1")))
	refused := func(name, changed string) {
		t.Helper()
		if changed == text {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := set.ReadCallback("attestr", basic(webhookToken), []byte(completed(changed, good))); err == nil {
			t.Errorf("%s: got no error, want it to be refused", name)
		}
	}
	for i := range len(text) {
		for _, b := range []byte{'0', '"', ' ', '}', 'x', 0} {
			if text[i] != b {
				refused(fmt.Sprintf("byte %d is %q", i, b), text[:i]+string(b)+text[i+1:])
			}
		}
	}
	for old, changed := range map[string]string{
		`1.0`: `1`, `\u00e9`: `é`, `<`: `\u003c`, `"_id":"i1","batchId":"b1"`: `"batchId":"b1","_id":"i1"`, `"i1"`: `"I1"`,
	} {
		refused(old+" becomes "+changed, strings.Replace(text, old, changed, 1))
	}
	spaced := completed(strings.ReplaceAll(text, ",", ", "), good)
	hints, err := readCallback(t, nil, basic(webhookToken), spaced)
	if err != nil || hints[0].Signed != "compact" {
		t.Errorf("blanks put in: got %v, %v, want it to be believed in its compact form", hints, err)
	}
	for _, form := range []string{"raw", "string"} {
		hints, err := readCallback(t, func(c *attestr.Config) { c.SignedForm = form }, basic(webhookToken), spaced)
		wantClass(t, "blanks put in, and pinned to "+form, hints, err, providers.Unauthorised)
	}
}

// TestGoodWebhooksAreBelieved writes a thousand of them in every way.
func TestGoodWebhooksAreBelieved(t *testing.T) {
	t.Parallel()
	set := newSet(t, newProvider(t, config("http://127.0.0.1:1")))
	notes := []string{`"é"`, `"\u00e9"`, `1.0`, `1e3`, `"<&>"`, `null`, `"\ud83d\ude97"`, `{"a":[1, 2]}`, `"a\/b"`, `"` + "\u2028" + `"`}
	for i := range 1000 {
		output := fmt.Sprintf(`{"_id":"i%d",%s"batchId":"b%d","note":%s,"input":{"reg":"DL01AA%04d"}}`,
			i, strings.Repeat(" ", i%7), i%13, notes[i%len(notes)], i)
		hints, err := set.ReadCallback("attestr", basic(webhookToken), []byte(signed(output)))
		if err != nil || hints[0].Ticket != fmt.Sprintf("b%d", i%13) || hints[0].Signed != "raw" {
			t.Errorf("%s: got %v, %v", output, hints, err)
		}
	}
}

func TestWebhookThatCannotBeRead(t *testing.T) {
	t.Parallel()
	good := signed(recordOutput)
	for name, body := range map[string]string{
		"empty":              "",
		"no object":          `["async.completed"]`,
		"an empty object":    "{}",
		"cut":                good[:len(good)-1],
		"two of them":        good + good,
		"no payload":         `{"event":"async.completed"}`,
		"payload is null":    `{"event":"async.completed","payload":null}`,
		"payload is a text":  `{"event":"async.completed","payload":"{}"}`,
		"two outputs":        strings.Replace(good, `"output":`, `"output":{"_id":"i9"},"output":`, 1),
		"two outputs, after": strings.Replace(good, `"error":null`, `"output":{"_id":"i9"}`, 1),
		"two signatures":     strings.Replace(good, `"error":null`, `"signature":null`, 1),
		"two payloads":       strings.Replace(good, `"payload"`, `"payload":{},"payload"`, 1),
		"two ids in it":      signed(`{"_id":"i1","_id":"i2"}`),
		"two plates in it":   signed(`{"_id":"i1","input":{"reg":"A","reg":"B"}}`),
		"output is a list":   signed(`[1]`),
		"about nothing":      strings.ReplaceAll(signed(innerOutput), `"_id":"i1","requestId":"q1",`, ""),
		"huge":               strings.Repeat(" ", 2<<20) + good,
		"not UTF-8":          signed("{\"_id\":\"\xff\"}"),
	} {
		hints, err := readCallback(t, nil, basic(webhookToken), body)
		wantClass(t, name, hints, err, providers.InvalidInput)
	}
}

// TestSecretsOfWebhooksChange: while one is changed, the old and the new count.
func TestSecretsOfWebhooksChange(t *testing.T) {
	t.Parallel()
	change := func(c *attestr.Config) {
		c.ClientSecret, c.WebhookToken = "older, "+secret+",", "older ,"+webhookToken
	}
	for _, key := range []string{"older", secret} {
		for _, shown := range []string{"older", webhookToken} {
			body := completed(recordOutput, `"`+mac(sha256.New, key, recordOutput)+`"`)
			if _, err := readCallback(t, change, basic(shown), body); err != nil {
				t.Errorf("secret %s, token %s: %v", key, shown, err)
			}
		}
	}
	for _, shown := range []string{"older," + webhookToken, "older ," + webhookToken, "", ","} {
		hints, err := readCallback(t, change, basic(shown), signed(recordOutput))
		wantClass(t, "token "+shown, hints, err, providers.Unauthorised)
	}
}

func TestWebhooksNeedAProof(t *testing.T) {
	t.Parallel()
	cfg := attestr.Config{AuthToken: token, Webhook: true, WebhookToken: " ,", ClientSecret: ","}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "WEBHOOK:") {
		t.Errorf("got %v, want a fault of WEBHOOK", err)
	}
	for _, with := range []attestr.Config{{WebhookToken: "t"}, {ClientSecret: "s"}} {
		with.AuthToken, with.Webhook = token, true
		if err := with.Validate(); err != nil {
			t.Errorf("got %v", err)
		}
	}
	cfg = attestr.Config{AuthToken: token, SignedForm: "pretty"}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "SIGNED_FORM:") {
		t.Errorf("got %v, want a fault of SIGNED_FORM", err)
	}
}

// TestPollNamesItsRecords: a webhook may call a record by these.
func TestPollNamesItsRecords(t *testing.T) {
	t.Parallel()
	body := page(record("b1", "DL01AA1000", "INITIATED", "null"), record("b2", "DL01AA1001", "INITIATED", "null"))
	for webhook, want := range map[bool][]string{true: {"i-DL01AA1000", "q"}, false: nil} {
		cfg := config("")
		cfg.Webhook = webhook
		set, _ := answering(t, cfg, 200, body)
		got, err := set.Poll(t.Context(), "attestr", providers.Ticket{ID: "b1"}, requests("DL01AA1000"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Names); diff != "" {
			t.Errorf("webhooks %v (-want +got):\n%s", webhook, diff)
		}
	}
}
