package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/plateq/plateq/store"
)

const checkStore = "store"

// fewConnections is what one process may want.
const fewConnections = 16

// examineStore also returns how many API keys there are; negative: nobody knows.
func examineStore(ctx context.Context, p Patient, clocks map[string]store.ClockReading) (all []Finding, keys int) {
	if p.Vitals == nil {
		return []Finding{{Check: checkStore, Level: Note, Text: "there is none yet", Do: "nothing: the first start makes it"}}, 0
	}
	all = exposure(checkStore, Warning, p.Exposed)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v, err := p.Vitals(ctx)
	if err != nil {
		return append(all, unreadable(err)), -1
	}
	if v.Clock != nil {
		clocks["the store's server"] = *v.Clock
	}
	v.Clear = v.Clear && p.Exposed == "" // once is enough
	return append(all, Store(v)...), v.APIKeys
}

func unreadable(err error) Finding {
	f := Finding{Check: checkStore, Level: Fault, Text: fmt.Sprintf("it cannot be read: %v", err)}
	switch {
	case errors.Is(err, store.ErrAway):
		f.Do = "see that the server runs, and that host, port, user and password of PLATEQ_DATABASE_URL are right"
	default:
		f.Do = "see that PLATEQ_DATABASE_URL or PLATEQ_DATA_DIR leads to the store, and that this user may read it"
	}
	return f
}

// Store judges what a store says of itself.
func Store(v store.Vitals) []Finding {
	all := []Finding{{Check: checkStore, Text: fmt.Sprintf("%s answers; %s are used", v.Server, size(v.Size))}}
	add := func(l Level, text, do string) {
		all = append(all, Finding{Check: checkStore, Level: l, Text: text, Do: do})
	}
	all = append(all, schema(v))
	for _, s := range v.Lowered {
		add(Fault, "what is committed may be lost when its machine fails: "+s, "set "+strings.Replace(s, "=off", "=on", 1)+" and restart the server")
	}
	for _, r := range v.Lacks {
		add(Fault, "its user lacks the right "+r, "grant it, or make the user the owner of the schema")
	}
	if v.Standby {
		add(Fault, "its server is a standby and takes no writes", "name the primary in PLATEQ_DATABASE_URL, or add target_session_attrs=read-write to it")
	}
	if v.Superuser {
		add(Warning, "its user is a superuser", "use a role that owns the schema and may do nothing else")
	}
	if v.Clear {
		add(Warning, "the password and all that is asked pass the network in clear", "add sslmode=verify-full&sslrootcert=/path/ca.pem to PLATEQ_DATABASE_URL")
	}
	if v.Connections >= 0 && v.Connections < fewConnections {
		add(Warning, fmt.Sprintf("its server gives out %d connections more; a process may want %d", v.Connections, fewConnections), "raise max_connections, or end what holds connections")
	}
	return all
}

func schema(v store.Vitals) Finding {
	f := Finding{Check: "schema", Text: fmt.Sprintf("version %d, the newest that this program knows", v.Schema.Has)}
	_, newer := errors.AsType[*store.SchemaError](v.Refusal)
	_, keys := errors.AsType[*store.KeysError](v.Refusal)
	switch {
	case newer:
		return Finding{Check: "schema", Level: Fault, Text: v.Refusal.Error(), Do: "install the version that wrote it, or a newer one", Cause: Settings}
	case keys:
		return Finding{Check: "keys", Level: Fault, Text: v.Refusal.Error(), Do: "give back the keys it was made with, by PLATEQ_ENCRYPTION_KEYS and PLATEQ_INDEX_KEY, or the file keys in the data directory", Cause: Settings}
	case v.Refusal != nil:
		return Finding{Check: checkStore, Level: Fault, Text: v.Refusal.Error(), Do: "correct PLATEQ_DATABASE_URL, PLATEQ_DATA_REGION or the keys", Cause: Settings}
	case v.Schema.Has == 0:
		f.Level, f.Text, f.Do = Note, "there are no tables yet", "nothing: the first start makes them; or run plateq migrate before"
	case len(v.Schema.Pending) > 0:
		f.Level, f.Do = Warning, "make a backup; then run plateq migrate, or start this version, which does it too"
		f.Text = fmt.Sprintf("version %d, this program knows %d: %d migrations are pending", v.Schema.Has, v.Schema.Knows, len(v.Schema.Pending))
	}
	return f
}
