package api

import (
	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/openapi"
	"github.com/plateq/plateq/store"
)

func (s *server) auditRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "GET", Path: "/v1/audit", ID: "listActs", Tag: tagAudit, Summary: "List who did what, newest first",
			About: "It holds ids and plain words, never what is personal.",
			Params: []openapi.Param{
				openapi.Text("who", "Only what they did: \"key x5q2…\", \"user root\"."), openapi.Choice("kind", "Only acts of this kind.", names(store.ActKinds())...),
				openapi.Text("about", "Only what was about this: the id of a batch, key, hook or schedule, a scope, the number of a call."),
				openapi.Text("from", "A day in UTC, 2026-11-21, or a time with its zone."), openapi.Text("to", "The same; what is at that time is out."),
				limitParam, cursorParam,
			},
			Answers: openapi.OK("A page of acts.", actPage{}),
		}, s.listActs},
		{openapi.Operation{
			Method: "GET", Path: "/v1/audit/verify", ID: "verifyActs", Tag: tagAudit, Summary: "Find out whether the audit log is whole",
			About:   "Each act is linked to the one before by a keyed hash. What was cut off at the end is known by a head that was kept elsewhere.",
			Params:  []openapi.Param{openapi.Text("head", "How far the log is known to have gone: what an earlier answer said.")},
			Answers: openapi.OK("What was found.", client.AuditReport{}),
		}, s.verifyActs},
	}
}
