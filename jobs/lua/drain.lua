-- our bucket is to hold nothing from now on (after a gate, after Redis was away): KEYS[1] hash, ARGV 1 rate
local t = redis.call('TIME'); local now = t[1] * 1000000 + t[2]
local v = redis.call('HMGET', KEYS[1], 't', 'u')
local tok = 0
if v[1] then tok = math.min(0, tonumber(v[1]) + math.max(0, now - tonumber(v[2])) * tonumber(ARGV[1]) / 1000000) end
redis.call('HSET', KEYS[1], 't', string.format('%.6f', tok), 'u', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], 120000)
return 1
