package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/openapi"
	"github.com/plateq/plateq/store"
)

// submissionView is a list in JSON, as readSubmission takes it apart.
type submissionView struct {
	Provider string            `json:"provider" doc:"Who is asked: \"attestr\"."`
	Items    []map[string]any  `json:"items" doc:"The rows: values by the name of their column, \"plate\" among them. In a body of more than 4 MiB they come last."`
	Name     string            `json:"name,omitempty" maxLength:"200"`
	Purpose  string            `json:"purpose,omitempty" maxLength:"200" doc:"Why the owners of the plates are looked up."`
	Metadata map[string]any    `json:"metadata,omitempty" doc:"The caller's own, given back as it is; at most 16 KiB."`
	Weight   float64           `json:"weight,omitempty" doc:"Its share of the pace among batches; 1 where it is not said."`
	MaxCost  string            `json:"max_cost,omitempty" doc:"A decimal. Where the list would cost more, it pauses."`
	Callback string            `json:"callback_url,omitempty" doc:"It is told when the batch is done or paused, signed with the secret of callbacks."`
	Kept     string            `json:"retention,omitempty" doc:"How long its rows are kept after its end: \"30d\", \"12h\". Where it is not said, as long as those of any."`
	Params   map[string]string `json:"params,omitempty" doc:"Parameters of the provider, or values of a column for rows that have none."`
	Fresh    bool              `json:"fresh,omitempty" doc:"Ask again where an answer is known."`
}

// rowView is how an export.Row comes out.
type rowView struct {
	Batch      string          `json:"batch"`
	Number     int             `json:"row" doc:"From 1, in the order of the list."`
	ID         *string         `json:"id" doc:"The caller's own."`
	Provider   string          `json:"provider"`
	Plate      *string         `json:"plate"`
	VIN        *string         `json:"vin"`
	Status     client.Status   `json:"status"`
	Result     json.RawMessage `json:"result" doc:"The answer, in the provider's own words; null where there is none."`
	Error      *store.Failure  `json:"error" doc:"Why there is no answer."`
	Attempts   int             `json:"attempts"`
	Cached     bool            `json:"cached" doc:"The answer was known before, and cost nothing."`
	AnsweredAt *time.Time      `json:"answered_at"`
	Input      json.RawMessage `json:"input,omitempty" doc:"The line as it was given, where input was asked for."`
	Raw        json.RawMessage `json:"raw,omitempty" doc:"The answer as it was received, where raw was asked for and it is kept."`
}

// listParams choose how a list that is not JSON is read, and say what
// submissionView says of one that is.
func listParams() []openapi.Param {
	return append([]openapi.Param{
		openapi.Text("provider", "Who is asked. Needed unless the body is JSON, which says it and all of these itself."),
		openapi.Text("name", ""), openapi.Text("purpose", ""), openapi.Text("metadata", "An object of JSON."),
		openapi.Number("weight", "Its share of the pace among batches."),
		openapi.Text("max_cost", "A decimal. Where the list would cost more, it pauses."),
		openapi.Text("callback_url", "It is told when the batch is done or paused."),
		openapi.Text("retention", "How long its rows are kept after its end: \"30d\", \"12h\". Where it is not said, as long as those of any."),
		openapi.Flag("fresh", "Ask again where an answer is known."),
		openapi.Text("column", "A column that is not found by its own name: \"Reg no\" holds the plates, \"vin=Chassis\" something else.").Many(),
		openapi.Text("encoding", "Of a list that is neither UTF-8 nor marked UTF-16: \"windows-1251\"."),
		openapi.Text("sheet", "Of a spreadsheet, where several hold something."),
		openapi.Text("set", "name=value: a parameter of the provider, or a value of a column for rows that have none. "+
			"A column about a vehicle or a person is refused here, and goes in "+optionsHeader+".").Many(),
		openapi.Count("limit", "Ends the list after so many rows.", 0),
	}, optionParams()...)
}

func onceParam() openapi.Param {
	return openapi.Text(onceHeader, "The caller's own name for this request, of 1 to 255 printable characters, so that it can be repeated safely.").InHeader()
}

func listBody() *openapi.Body {
	return &openapi.Body{Required: true, Content: []openapi.Content{
		{Media: typeJSON, Type: submissionView{}}, {Media: typeCSV}, {Media: typeNDJSON}, {Media: typeXLSX}, {Media: typeAny},
	}}
}

func (s *server) batchRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "POST", Path: "/v1/batches", ID: "submitBatch", Tag: tagBatches, Summary: "Hand a list in",
			About: "The body is read as it comes, however long it is. The batch runs when this is answered, or it was not made: " +
				"a list that breaks off leaves nothing. Rows that cannot be asked about become invalid and cost nothing. " +
				"What comes again under one Idempotency-Key within 48 hours is answered with the batch that it made; another request under it is refused.",
			Params: append(listParams(), onceParam()), Body: listBody(),
			Answers: []openapi.Answer{{Status: http.StatusCreated, About: "It runs.", Content: []openapi.Content{{Media: typeJSON, Type: batchView{}}}}},
		}, s.submit},
		{openapi.Operation{
			Method: "POST", Path: "/v1/lookups", ID: "lookUp", Tag: tagBatches, Summary: "Look one plate up, and wait for the answer",
			About: "It is a batch of one row: what is not answered in time goes on, and is found at Location. " +
				"What comes again under one Idempotency-Key within 48 hours is answered from the batch that it made, however long it waits; another request under it is refused.",
			Params: []openapi.Param{openapi.Number("wait", "How many seconds to wait: a whole number up to 30, which it is where it is not said."), onceParam()},
			Body:   openapi.JSON(lookupRequest{}),
			Answers: []openapi.Answer{
				{Status: http.StatusOK, About: "The row is settled.", Content: []openapi.Content{{Media: typeJSON, Type: lookedUp{}}}},
				{Status: http.StatusAccepted, About: "It is not settled yet.", Content: []openapi.Content{{Media: typeJSON, Type: lookedUp{}}}},
			},
		}, s.lookup},
		{openapi.Operation{
			Method: "POST", Path: "/v1/estimates", ID: "estimateBatch", Tag: tagBatches, Summary: "Say what a list would come to",
			About:  "It is read through and forgotten. No provider is asked.",
			Params: listParams(), Body: listBody(), Answers: openapi.OK("What it would come to, as things stand.", estimateView{}),
		}, s.estimate},
		{openapi.Operation{
			Method: "POST", Path: "/v1/estimates/problems", ID: "listProblems", Tag: tagBatches, Summary: "List the rows that are invalid or odd",
			About:  "It is answered while the list is read, and nothing is kept. Accept says in what form.",
			Params: listParams(), Body: listBody(),
			Answers: []openapi.Answer{{Status: http.StatusOK, About: "A line for each of them.", Content: []openapi.Content{
				{Media: typeNDJSON}, {Media: typeCSV}, {Media: typeXLSX},
			}}},
		}, s.listProblems},
		{openapi.Operation{
			Method: "GET", Path: "/v1/batches", ID: "listBatches", Tag: tagBatches, Summary: "List batches, newest first",
			Params: []openapi.Param{
				providerParam(), openapi.Choice("state", "Only those in one of these states.", names(batchStates())...).Many(),
				openapi.Text("name", "Only those whose name holds this text, whatever its case."),
				openapi.Text("metadata", "key=value: only those whose metadata has it.").Many(),
				openapi.Text("from", "Only those made then or later: a day in UTC, 2026-11-21, or a time with its zone."),
				openapi.Text("to", "The same; what was made at that time is out."), limitParam, cursorParam,
			},
			Answers: openapi.OK("A page of them.", batchPage{}),
		}, s.list},
		{openapi.Operation{
			Method: "GET", Path: "/v1/batches/{id}", ID: "getBatch", Tag: tagBatches, Summary: "Show a batch as it stands",
			Params:  []openapi.Param{ifNoneMatch},
			Answers: append(openapi.OK("The batch.", batchView{}), notModified),
		}, s.batch},
		{openapi.Operation{
			Method: "GET", Path: "/v1/batches/{id}/events", ID: "watchBatch", Tag: tagBatches, Summary: "Watch a batch until it is finished",
			About: "Server-sent events: progress each time that the batch has changed, and finished when it is done or cancelled. " +
				"Their data is the batch, as getBatch answers with it. A line without meaning comes every 15 seconds.",
			Params: []openapi.Param{openapi.Text("Last-Event-ID", "The id of the last event that was received: it is not sent again.").InHeader()},
			Answers: []openapi.Answer{
				{Status: http.StatusOK, About: "The stream.", Content: []openapi.Content{{Media: typeEvents}}},
				{Status: http.StatusNoContent, About: "It is finished, and its last event was received."},
			},
		}, s.events},
		{openapi.Operation{
			Method: "GET", Path: "/v1/batches/{id}/timeline", ID: "listTimeline", Tag: tagBatches, Summary: "List what happened to a batch, newest first",
			About:   "What happened to gates of its provider meanwhile is among it. It is known for 90 days.",
			Params:  []openapi.Param{limitParam, cursorParam},
			Answers: openapi.OK("A page of what happened.", happeningPage{}),
		}, s.timeline},
		{openapi.Operation{
			Method: "GET", Path: "/v1/batches/{id}/results", ID: "listResults", Tag: tagBatches, Summary: "Give the rows back, with their answers",
			About: "As JSON a page of them; as CSV, JSON Lines or a spreadsheet all, as they stand when it begins, whether or not the batch is done. " +
				"Accept says which.",
			Params: []openapi.Param{
				openapi.Choice("status", "Only rows of one of these statuses.", rowStates()...).Many(),
				openapi.Flag("input", "Add the line as it was given."),
				openapi.Flag("raw", "Add the answer as it was received, where it is kept."),
				openapi.Flag("plain", "Leave cells of CSV as they are that a spreadsheet would take for formulas. Otherwise they get a ' in front."),
				openapi.Count("limit", "How many rows a page has at most; 100 where it is not said. Only as JSON.", maxLimit), cursorParam, ifNoneMatch,
			},
			Answers: []openapi.Answer{{Status: http.StatusOK, About: "Rows in the order of the list.", Content: []openapi.Content{
				{Media: typeJSON, Type: resultPage{}}, {Media: typeNDJSON}, {Media: typeCSV}, {Media: typeXLSX},
			}}, notModified},
		}, s.results},
		{openapi.Operation{
			Method: "GET", Path: "/v1/batches/{id}/changes", ID: "listChanges", Tag: tagBatches, Summary: "Say what changed since an older list",
			About: "As JSON how much; as CSV, JSON Lines or a spreadsheet every change. Accept says which. Rows are the same if the provider " +
				"was asked the same: the canonical subject and the parameters. It needs the scope read:pii.",
			Params: []openapi.Param{
				openapi.Text("since", "The older batch, of the same provider.").Required(),
				openapi.Text("ignore", "A field of the result that makes no difference, with all inside of it.").Many(),
				openapi.Flag("plain", "Leave cells of CSV as they are that a spreadsheet would take for formulas."),
			},
			Answers: []openapi.Answer{{Status: http.StatusOK, About: "In the order of the newer list, and what was removed behind it.", Content: []openapi.Content{
				{Media: typeJSON, Type: changeCounts{}}, {Media: typeNDJSON}, {Media: typeCSV}, {Media: typeXLSX},
			}}},
		}, s.changes},
	}
}

// changeRoutes change a batch that is there.
func (s *server) changeRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "POST", Path: "/v1/batches/{id}/pause", ID: "pauseBatch", Tag: tagBatches, Summary: "Stop new calls for a batch",
			About:   "Calls in flight end, and answers still come.",
			Answers: openapi.OK("The batch.", batchView{}),
		}, s.pause},
		{openapi.Operation{
			Method: "POST", Path: "/v1/batches/{id}/resume", ID: "resumeBatch", Tag: tagBatches, Summary: "Go on with a paused batch",
			Answers: openapi.OK("The batch.", batchView{}),
		}, s.resume},
		{openapi.Operation{
			Method: "POST", Path: "/v1/batches/{id}/cancel", ID: "cancelBatch", Tag: tagBatches, Summary: "End a batch",
			About:   "What was sent is finished and kept.",
			Answers: openapi.OK("The batch.", batchView{}),
		}, s.cancel},
		{openapi.Operation{
			Method: "POST", Path: "/v1/batches/{id}/poll", ID: "pollBatch", Tag: tagBatches,
			Summary: "Ask the provider at once about what it has not finished",
			Answers: openapi.OK("About how much.", polled{}),
		}, s.poll},
		{openapi.Operation{
			Method: "POST", Path: "/v1/batches/{id}/retry", ID: "retryBatch", Tag: tagBatches, Summary: "Ask again what failed of a batch",
			About:  "What comes again under one Idempotency-Key within 48 hours takes up what had failed when the first came and that left undone; another request under it is refused.",
			Params: []openapi.Param{onceParam()},
			Body:   openapi.MayJSON(retryRequest{}), Answers: openapi.OK("What that comes to.", retried{}),
		}, s.retry},
	}
}
