package jobs

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/plateq/plateq/store"
)

// TaskSplit brings a list from a system that shares the Redis.
const TaskSplit = "batch:split"

// QueueOrders is where these tasks are: it belongs to no provider.
const QueueOrders = "orders"

// Bounds of a list that comes as a task. A longer one goes over HTTP.
const (
	MaxOrderRows = 1000
	maxOrder     = 4 << 20 // bytes of its JSON
	maxOrderID   = 255
	splitTimeout = 5 * time.Minute
)

// BatchRequest is a list for one provider. Its fields are those of POST
// /v1/batches.
type BatchRequest struct {
	Provider string          `json:"provider"`
	Name     string          `json:"name,omitempty"`
	Purpose  string          `json:"purpose,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"` // an object
	Weight   float64         `json:"weight,omitempty"`
	MaxCost  string          `json:"max_cost,omitempty"`
	// Retention is how long rows are kept after the end of the batch: "30d".
	Retention string            `json:"retention,omitempty"`
	Params    map[string]string `json:"params,omitempty"`
	Fresh     bool              `json:"fresh,omitempty"`
	// Items are the rows: values by the names of their columns.
	Items []map[string]string `json:"items"`
}

// Order is a BatchRequest as it arrives.
type Order struct {
	Tenant string `json:"tenant"`
	// ID is the sender's own name for the list. However often the list comes
	// under it, it is taken in once.
	ID string `json:"id"`
	// Body is the list, as the body of POST /v1/batches.
	Body json.RawMessage `json:"body"`
}

// NewBatchTask makes the task that hands a list to Plateq over a Redis that
// both share. Enqueue it with an asynq.Client, as it is:
//
//	task, err := jobs.NewBatchTask(key, "", "order-7", jobs.BatchRequest{Provider: "attestr", Items: rows})
//	_, err = client.EnqueueContext(ctx, task)
//
// key is PLATEQ_ENQUEUE_KEY, see [store.ParseKey]. An empty tenant is
// [store.DefaultTenant]; who has the key may submit for any. id is the sender's
// own name for the list, from which the task's comes: while the task is in
// Redis, and two days after, a second one is asynq.ErrTaskIDConflict, and the
// list of one that gets through all the same is not taken in again.
//
// # What is promised
//
// The payload is sealed: Redis sees nothing of the list. Until a worker has
// taken the list in, it is only as safe as Redis is. From then on the list is
// a batch, and all that is promised of batches holds. A list that is refused,
// as one of no provider that is set up, is archived by asynq. Either way Redis
// keeps the task from then on without its payload.
func NewBatchTask(key []byte, tenant, id string, b BatchRequest) (*asynq.Task, error) {
	switch {
	case id == "" || len(id) > maxOrderID:
		return nil, fmt.Errorf("make task of batch: its id must have 1 to %d bytes", maxOrderID)
	case len(b.Items) == 0 || len(b.Items) > MaxOrderRows:
		return nil, fmt.Errorf("make task of batch: it must have 1 to %d items", MaxOrderRows)
	}
	if tenant == "" {
		tenant = store.DefaultTenant
	}
	if err := store.CheckTenant(tenant); err != nil {
		return nil, fmt.Errorf("make task of batch: %w", err)
	}
	body, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("make task of batch: %w", err)
	}
	name := orderName(key, tenant, id)
	payload, err := sealOrder(key, name, Order{Tenant: tenant, ID: id, Body: body})
	if err != nil {
		return nil, fmt.Errorf("make task of batch: %w", err)
	}
	// Kept so long, its name alone, the task is what a second one conflicts with.
	return asynq.NewTask(TaskSplit, payload, asynq.Queue(QueueOrders), asynq.TaskID(name),
		asynq.MaxRetry(1000), asynq.Timeout(splitTimeout), asynq.Retention(store.OnceLife)), nil
}

// orderName is the name of the task of a list: the same for the same list, and
// without a word of the sender's, who may have put a plate into it.
func orderName(key []byte, tenant, id string) string {
	m := hmac.New(sha256.New, key)
	_, _ = m.Write([]byte(tenant + "\x00" + id)) // a hash takes everything
	return "b:" + hex.EncodeToString(m.Sum(nil)[:16])
}

// sealOrder encrypts an order for the task of that name.
func sealOrder(key []byte, name string, o Order) ([]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if len(text) > maxOrder {
		return nil, fmt.Errorf("it is larger than %d bytes", maxOrder)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("use key: %w", err)
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	return aead.Seal(nonce, nonce, text, []byte(TaskSplit+"\x00"+name)), nil
}

var errNotSealed = errors.New("it was not sealed with this key for this task")

// openOrder is the inverse of sealOrder.
func openOrder(key []byte, name string, payload []byte) (o Order, err error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return o, fmt.Errorf("use key: %w", err)
	}
	if len(payload) < aead.NonceSize() || len(payload) > maxOrder+aead.NonceSize()+aead.Overhead() {
		return o, errNotSealed
	}
	nonce, sealed := payload[:aead.NonceSize()], payload[aead.NonceSize():]
	text, err := aead.Open(nil, nonce, sealed, []byte(TaskSplit+"\x00"+name))
	if err != nil {
		return o, errNotSealed
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return o, errors.New("it is no order")
	}
	if store.CheckTenant(o.Tenant) != nil || o.ID == "" || orderName(key, o.Tenant, o.ID) != name {
		return o, errors.New("it is the order of another task")
	}
	return o, nil
}
