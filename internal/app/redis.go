package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
)

// embeddedRedis as PLATEQ_REDIS_URL is one within the process.
const embeddedRedis = "embedded"

// openRedis connects to the Redis of the configuration, or starts the
// embedded one. A Redis that does not answer yet is a warning: the work goes
// on when it does.
func (a *App) openRedis(ctx context.Context) error {
	url := a.opts.Config.RedisURL.Reveal()
	embedded := url == "" || url == embeddedRedis
	if alone := a.parts&(Worker|Scheduler) == Worker|Scheduler; embedded && !alone {
		return Usage(errors.New("PLATEQ_REDIS_URL: the embedded Redis is within one process: give one that serve, worker and scheduler all reach"))
	}
	if embedded {
		e := jobs.OpenEmbedded()
		a.redis = e
		a.closers = append(a.closers, e.Close)
		if err := e.Remember(filepath.Join(a.dataDir(), "pace.json")); err != nil {
			a.log.Warn().Err(err).Msg("the pace of providers is found out anew")
		}
		return nil
	}
	redis.SetLogger(redisLogger{a.log})
	c, err := jobs.OpenRedis(url)
	if err != nil {
		return Usage(fmt.Errorf("PLATEQ_REDIS_URL: %w", err))
	}
	a.redis, a.wakes = c, jobs.NewWakes(c)
	a.closers = append(a.closers, c.Close)
	a.warn(jobs.RedisExposed(url))
	return a.checkRedis(ctx)
}

func (a *App) checkRedis(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.redis.Ping(ctx).Err(); err != nil {
		if advice := jobs.RedisAdvice(ctx, a.opts.Config.RedisURL.Reveal(), err); advice != "" {
			return Usage(fmt.Errorf("connect to Redis: %w: %s: see PLATEQ_REDIS_URL", err, advice))
		}
		a.log.Warn().Err(err).Msg("Redis does not answer: work begins when it does")
		return nil
	}
	warnings, err := jobs.CheckRedis(ctx, a.redis)
	if err != nil {
		return Usage(err)
	}
	for _, w := range warnings {
		a.warn(w)
	}
	return nil
}

// warn writes a warning to the log, if there is one.
func (a *App) warn(text string) {
	if text != "" {
		a.log.Warn().Msg(text)
	}
}

// redisLogger gives go-redis' lines to ours.
type redisLogger struct{ log zerolog.Logger }

// Printf writes a line at debug level: what matters shows elsewhere as an error.
func (l redisLogger) Printf(_ context.Context, format string, v ...any) {
	l.log.Debug().Msgf("redis: "+format, v...)
}
