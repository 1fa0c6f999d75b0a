package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) queueRoutes() []route {
	routes := []route{
		{pattern: "GET /queues", needs: store.ScopeOperate, serve: listQueues},
		{pattern: "GET /queues/{queue}", needs: store.ScopeOperate, serve: showQueue},
		{pattern: "GET /queues/{queue}/tasks/{id}/delete", needs: store.ScopeOperate, serve: askDelete},
	}
	for verb, notice := range map[string]string{"pause": "queue_paused", "resume": "queue_resumed"} {
		routes = append(routes, route{pattern: "POST /queues/{queue}/" + verb, needs: store.ScopeOperate, serve: func(v *visit) error {
			if err := v.post(queuePath(v)+"/"+verb, nil, nil); err != nil {
				return err
			}
			return v.goTo("/queues", notice)
		}})
	}
	for verb, notice := range map[string]string{"run": "task_run", "archive": "task_archived", "delete": "task_deleted"} {
		routes = append(routes, route{pattern: "POST /queues/{queue}/tasks/{id}/" + verb, needs: store.ScopeOperate, serve: func(v *visit) error {
			c := call{method: http.MethodPost, path: queuePath(v) + "/tasks/" + v.r.PathValue("id") + "/" + verb}
			if verb == "delete" {
				c.method, c.path = http.MethodDelete, queuePath(v)+"/tasks/"+v.r.PathValue("id")
			}
			if err := v.ask(c, nil); err != nil {
				return err
			}
			return v.goTo("/queues/"+url.PathEscape(v.r.PathValue("queue")), notice)
		}})
	}
	return routes
}

// queuePath is where the API has the queue of the page.
func queuePath(v *visit) string { return "/v1/queues/" + v.r.PathValue("queue") }

// queuesData is what stands in Redis; None: this process has no Redis.
type queuesData struct {
	client.Queues
	None bool
}

// Latency is how long the oldest task of a queue waits.
func (queuesData) Latency(q client.Queue) string {
	return (time.Duration(q.LatencyMS) * time.Millisecond).String()
}

func listQueues(v *visit) error {
	var d queuesData
	err := v.get("/v1/queues", nil, &d.Queues)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Code == "no_queues" {
		d.None, err = true, nil
	}
	if err != nil {
		return err
	}
	return v.show("queues", "Queues", d)
}

// queueData is a page of the tasks of a queue.
type queueData struct {
	Queue  string
	State  string
	States []string
	Items  []client.QueueTask
	Pager  pager
}

// taskStates are those in which the API lists tasks.
func taskStates() []string {
	return []string{"pending", "active", "scheduled", "retry", "archived", "completed"}
}

const tasksPerPage = 100

func showQueue(v *visit) error {
	q := chosen(v.r.URL.Query(), "state")
	d := queueData{Queue: v.r.PathValue("queue"), State: q.Get("state"), States: taskStates()}
	if !slices.Contains(d.States, d.State) {
		d.State = "pending"
	}
	q.Set("state", d.State)
	cursor := v.r.URL.Query().Get("cursor")
	var page paged[client.QueueTask]
	if err := v.get(queuePath(v)+"/tasks", withPage(q, cursor, tasksPerPage), &page); err != nil {
		return err
	}
	d.Items, d.Pager = page.Items, pagerOf("/queues/"+url.PathEscape(d.Queue), q, cursor, page.NextCursor)
	return v.show("queue", "Queue "+d.Queue, d)
}

func askDelete(v *visit) error {
	queue, id := v.r.PathValue("queue"), v.r.PathValue("id")
	return v.confirm(question{
		Title:  "Delete the task " + id + "?",
		Lines:  []string{"It only rings for what the store holds: what is still to be done is rung for again. A list that another system enqueued, in the queue “orders”, is lost with its task if it was not taken in yet."},
		Action: "/queues/" + url.PathEscape(queue) + "/tasks/" + url.PathEscape(id) + "/delete", Button: "Delete the task", Danger: true, Back: "/queues/" + url.PathEscape(queue),
	})
}
