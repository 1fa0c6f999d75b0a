-- Who is there, whether or not it has something to ask for: set of workers by when they were seen.
-- alive is how long each is believed, µs; returns how many there are
local function attend(key, worker, alive)
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. int(now), '+inf')) do -- the clock was set back
    redis.call('ZADD', key, int(now), other)
  end
  redis.call('ZADD', key, int(now), worker)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', int(now - alive))
  redis.call('PEXPIRE', key, int(alive / 1000))
  return redis.call('ZCARD', key)
end
