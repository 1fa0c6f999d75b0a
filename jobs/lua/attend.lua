-- A process is there, and learns how many are, though it has nothing to ask for.
-- KEYS: 1 set of workers by when they were seen   q: worker, alive µs
redis.call('ZADD', KEYS[1], int(now), q.worker)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(now - q.alive))
redis.call('PEXPIRE', KEYS[1], int(q.alive / 1000))
return redis.call('ZCARD', KEYS[1])
