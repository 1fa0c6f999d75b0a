package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// CheckRedis looks for settings that would lose tasks. It refuses a Redis
// that evicts; of anything else it warns, also where it may not look.
// Of a Cluster every master is asked.
func CheckRedis(ctx context.Context, c redis.UniversalClient) (warnings []string, err error) {
	cluster, ok := c.(*redis.ClusterClient)
	if !ok {
		return checkServer(ctx, c)
	}
	var mu sync.Mutex
	err = cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		w, err := checkServer(ctx, master)
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, w...)
		return err
	})
	slices.Sort(warnings)
	return slices.Compact(warnings), err
}

func checkServer(ctx context.Context, c redis.Cmdable) (warnings []string, err error) {
	limit, policy, err := memorySettings(ctx, c)
	if err != nil && refusedToTell(err) {
		return []string{"Redis does not let us read its settings (+info): see that maxmemory-policy is noeviction"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Redis for its settings: %w", err)
	}
	if limit != "0" && limit != "" && policy != "noeviction" {
		return nil, fmt.Errorf("Redis evicts keys when it is full (maxmemory-policy %s): set maxmemory-policy noeviction", policy)
	}
	if persistence, err := c.Info(ctx, "persistence").Result(); err == nil && infoField(persistence, "aof_enabled") == "0" {
		warnings = append(warnings, "Redis keeps no append-only file: after its restart the queue is rebuilt from the store; appendonly yes spares that")
	}
	return warnings, nil
}

// memorySettings asks by INFO, which hosted servers allow, and where that is
// refused by CONFIG GET.
func memorySettings(ctx context.Context, c redis.Cmdable) (limit, policy string, err error) {
	memory, err := c.Info(ctx, "memory").Result()
	if err == nil {
		return infoField(memory, "maxmemory"), infoField(memory, "maxmemory_policy"), nil
	}
	if !refusedToTell(err) {
		return "", "", err
	}
	settings, configErr := c.ConfigGet(ctx, "maxmemory*").Result()
	if configErr != nil {
		return "", "", err
	}
	return settings["maxmemory"], settings["maxmemory-policy"], nil
}

func refusedToTell(err error) bool {
	text := err.Error()
	return strings.Contains(text, "NOPERM") || strings.Contains(text, "unknown") || strings.Contains(text, "not supported")
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return v
		}
	}
	return ""
}
