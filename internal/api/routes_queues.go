package api

import (
	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/openapi"
	"github.com/plateq/plateq/jobs"
)

func (s *server) queueRoutes() []route {
	return []route{
		{openapi.Operation{
			Method: "GET", Path: "/v1/queues", ID: "listQueues", Tag: tagQueues, Summary: "Say what stands in Redis, and who works on it",
			About:   "Tasks only ring for what the store holds, so that a queue that is empty says nothing of the work that is left.",
			Answers: openapi.OK("The queues, the processes that take tasks, and what Redis says of itself.", client.Queues{}),
		}, s.listQueues},
		{openapi.Operation{
			Method: "POST", Path: "/v1/queues/{queue}/pause", ID: "pauseQueue", Tag: tagQueues, Summary: "Take no more tasks of a queue",
			About:   "A chunk that is worked on is finished. To ask a provider nothing more at once, close its gate.",
			Answers: openapi.OK("How it stands.", steered{}),
		}, s.steerQueue(true)},
		{openapi.Operation{
			Method: "POST", Path: "/v1/queues/{queue}/resume", ID: "resumeQueue", Tag: tagQueues, Summary: "Take tasks of a queue again",
			Answers: openapi.OK("How it stands.", steered{}),
		}, s.steerQueue(false)},
		{openapi.Operation{
			Method: "GET", Path: "/v1/queues/{queue}/tasks", ID: "listTasks", Tag: tagQueues, Summary: "List tasks of a queue",
			Params:  []openapi.Param{openapi.Choice("state", "Those that stand so; pending where it is not said.", jobs.TaskStates()...), limitParam, cursorParam},
			Answers: openapi.OK("A page of tasks. Tasks move meanwhile, so that one may come twice or not at all.", taskPage{}),
		}, s.listTasks},
		{openapi.Operation{
			Method: "POST", Path: "/v1/queues/{queue}/tasks/{id}/run", ID: "runTask", Tag: tagQueues, Summary: "Take one task now that waits or was put aside",
			Answers: openapi.OK("The task.", moved{}),
		}, s.moveTask("run", func(q *jobs.Queues) func(string, string) error { return q.Run })},
		{openapi.Operation{
			Method: "POST", Path: "/v1/queues/{queue}/tasks/{id}/archive", ID: "archiveTask", Tag: tagQueues, Summary: "Put one task aside",
			Answers: openapi.OK("The task.", moved{}),
		}, s.moveTask("archive", func(q *jobs.Queues) func(string, string) error { return q.Archive })},
		{openapi.Operation{
			Method: "DELETE", Path: "/v1/queues/{queue}/tasks/{id}", ID: "deleteTask", Tag: tagQueues, Summary: "Forget one task that nobody works on",
			About: "What it rang for is rung for again, if it is still to be done.", Answers: openapi.OK("The task.", moved{}),
		}, s.moveTask("delete", func(q *jobs.Queues) func(string, string) error { return q.Delete })},
	}
}
