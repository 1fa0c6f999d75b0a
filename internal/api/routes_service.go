package api

import (
	"net/http"

	"github.com/plateq/plateq/internal/openapi"
)

func (s *server) providerRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "GET", Path: "/v1/providers", ID: "listProviders", Tag: tagProviders, Summary: "Say what providers can do, and how they stand",
			Params:  []openapi.Param{openapi.Flag("balance", "Ask those that tell for their credit, which takes a while.")},
			Answers: openapi.OK("Every provider there is, set up or not.", items[*providerView]{}),
		}, s.listProviders},
		{openapi.Operation{
			Method: "POST", Path: "/v1/providers/{name}/open", ID: "openGates", Tag: tagProviders, Summary: "Open closed gates of a provider",
			Params:  []openapi.Param{openapi.Text("scope", "Only this one.")},
			Answers: openapi.OK("Those that were opened.", opened{}),
		}, s.openGates},
		{openapi.Operation{
			Method: "POST", Path: "/v1/providers/{name}/close", ID: "closeGates", Tag: tagProviders, Summary: "Close the gate of a provider",
			About:   "Nothing is sent then until somebody opens it. What is under way ends as it would.",
			Params:  []openapi.Param{openapi.Text("scope", "Only this one, \"attestr/submit\"; the provider's own where it is not said.")},
			Answers: openapi.OK("Those that were closed, and were not closed by hand before.", closed{}),
		}, s.closeGates},
		{openapi.Operation{
			Method: "GET", Path: "/v1/providers/{name}/history", ID: "listIncidents", Tag: tagProviders, Summary: "List what happened to gates of a provider, newest first",
			About:   "It is known for 90 days.",
			Params:  []openapi.Param{limitParam, cursorParam},
			Answers: openapi.OK("A page of what happened.", happeningPage{}),
		}, s.incidents},
		{openapi.Operation{
			Method: "GET", Path: "/v1/series", ID: "listSeries", Tag: tagProviders, Summary: "Say how much there was at providers, minute by minute or hour by hour",
			About: "Workers write down every five seconds what they counted, so that the last point is not all yet, and what a process had not written when it was killed is missing. " +
				"The ledger is exact. Minutes are known for three hours, hours for 32 days.",
			Params: []openapi.Param{
				openapi.Choice("span", "What one point stands for; a minute where it is not said.", "minute", "hour"), providerParam(),
				openapi.Count("last", "How many points there are; 60 minutes or 24 hours where it is not said.", maxPoints),
			},
			Answers: openapi.OK("A series for each provider of which anything was counted.", seriesList{}),
		}, s.series},
	}
}

func (s *server) serviceRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "GET", Path: "/healthz", ID: "health", Tag: tagService, Summary: "Say that the process answers",
			Answers: openapi.OK("It does.", health{}),
		}, s.healthz},
		{openapi.Operation{
			Method: "GET", Path: "/readyz", ID: "ready", Tag: tagService, Summary: "Say whether all is there that is needed",
			Answers: openapi.OK("It is.", health{}),
		}, s.readyz},
		{openapi.Operation{
			Method: "GET", Path: "/openapi.json", ID: "describe", Tag: tagService, Summary: "Describe this API in OpenAPI 3.1",
			Answers: []openapi.Answer{{Status: http.StatusOK, About: "This document.", Content: []openapi.Content{{Media: typeJSON, Type: map[string]any{}}}}},
		}, s.describe},
		{openapi.Operation{
			Method: "GET", Path: "/docs", ID: "describePage", Tag: tagService, Summary: "Describe this API on a page",
			Answers: []openapi.Answer{{Status: http.StatusOK, About: "This page.", Content: []openapi.Content{{Media: typeHTML}}}},
		}, s.describePage},
		{openapi.Operation{
			Method: "GET", Path: "/" + stylePath, ID: "describeStyle", Tag: tagService, Summary: "How that page looks",
			Answers: []openapi.Answer{{Status: http.StatusOK, About: "A style sheet.", Content: []openapi.Content{{Media: typeCSS}}}},
		}, s.describeStyle},
	}
}

func (s *server) hookRoutes() []route {
	return []route{{openapi.Operation{
		Method: "POST", Path: hooksPath + "{provider}", ID: "takeWebhook", Tag: tagProviders, Summary: "Take a webhook of a provider in",
		About:   "Providers call it. What they send proves by itself where it comes from.",
		Body:    &openapi.Body{Required: true, Content: []openapi.Content{{Media: typeJSON, Type: map[string]any{}}}},
		Answers: []openapi.Answer{{Status: http.StatusOK, About: "It is taken."}},
		Bare:    true,
	}, s.hook}}
}
