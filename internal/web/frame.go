package web

import (
	"cmp"
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/plateq/plateq/store"
)

// frame is what every page is given: the layout's own, and Data.
type frame struct {
	Title  string
	Nav    []navItem
	Token  string
	Notice string
	// Who is the name of the visitor's key, empty where none is needed or
	// shown; Open: none is needed.
	Who  string
	Open bool
	Data any
	// Whole: the visitor sees, and steers, what concerns all tenants.
	Whole bool

	may func(store.Scope) bool
}

// May reports whether the visitor may do what needs a scope.
func (f frame) May(scope string) bool { return f.may(store.Scope(scope)) }

// navItem is a way to a page.
type navItem struct {
	Path, Text string
	Here       bool
	needs      store.Scope
	whole      bool // it is for those of all tenants
}

// nav lists the pages that the layout leads to, in its order.
func nav() []navItem {
	return []navItem{
		{Path: "/", Text: "Overview", needs: store.ScopeRead},
		{Path: "/batches", Text: "Batches", needs: store.ScopeRead},
		{Path: "/new", Text: "New batch", needs: store.ScopeSubmit},
		{Path: "/lookup", Text: "Lookup", needs: store.ScopeSubmit},
		{Path: "/unknown", Text: "Unknown", needs: store.ScopeRead},
		{Path: "/providers", Text: "Providers", needs: store.ScopeRead},
		{Path: "/queues", Text: "Queues", needs: store.ScopeOperate, whole: true},
		{Path: "/webhooks", Text: "Webhooks", needs: store.ScopeOperate},
		{Path: "/keys", Text: "Keys", needs: store.ScopeAdmin},
		{Path: "/access", Text: "Access log", needs: store.ScopeAdmin},
	}
}

// notices are what a page says when something was just done, by the name that
// the address has.
var notices = map[string]string{
	"paused":        "The batch is paused. Calls that are under way still end.",
	"resumed":       "The batch goes on.",
	"cancelled":     "The batch is cancelled. What was sent is finished and kept.",
	"polled":        "The provider is asked at once about what is still waiting.",
	"retried":       "What failed is asked again.",
	"submitted":     "The list is taken in, and the batch runs.",
	"resent":        "What was unknown is asked again.",
	"resent_before": "Nothing was asked: none of its rows is left to be sent again.",
	"given_up":      "What was unknown has failed. An answer that comes later still counts.",
	"adopted":       "The call waits on that ticket now.",
	"out":           "You are logged out.",

	"gate_closed":   "The gate is closed. Nothing is asked until somebody opens it.",
	"gate_opened":   "It is open, and calls start again.",
	"queue_paused":  "No more tasks of the queue are taken. What is worked on is finished.",
	"queue_resumed": "Tasks of the queue are taken again.",
	"task_run":      "The task is taken next.",
	"task_archived": "The task is put aside.",
	"task_deleted":  "The task is deleted.",
	"replayed":      "The delivery is made again.",
	"revoked":       "The key is revoked.",
}

func (v *visit) frame(title string, data any) frame {
	f := frame{Title: title, Token: v.token(v.session), Notice: notices[v.r.URL.Query().Get("notice")], Open: v.open, Data: data, may: v.May, Whole: v.whole()}
	if v.open || v.session.key != "" {
		f.Nav = slices.DeleteFunc(nav(), func(n navItem) bool { return !v.May(n.needs) || n.whole && !v.whole() })
	}
	for i, n := range f.Nav {
		f.Nav[i].Here = v.r.URL.Path == n.Path || n.Path != "/" && strings.HasPrefix(v.r.URL.Path, n.Path+"/")
	}
	if v.session.key != "" && !v.open {
		f.Who = cmp.Or(v.key.Name, v.key.ID)
	}
	return f
}

// equal compares what must not be found by trying.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
