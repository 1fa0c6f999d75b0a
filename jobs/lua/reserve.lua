-- Reserve up to k tokens of one bucket; may go into debt, so the caller gets exact times and never spins.
-- KEYS[1] hash {t = tokens, may be < 0; u = updated, us}    KEYS[2] zset of live workers
-- ARGV 1 rate/s  2 burst  3 k wanted  4 horizon us (whole fleet's debt)  5 worker id  6 now us (0 = Redis TIME)
--      7 deadline, us of Redis time (0 = none)  8 tokens of a fresh key  9 hard limit of debt us
-- returns {granted, wait_us of token 1, spacing_us, live workers, now_us, tokens usable at once}
local rate, burst, k = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(ARGV[6])
if now == 0 then local t = redis.call('TIME'); now = t[1] * 1000000 + t[2] end
if tonumber(ARGV[7]) > 0 and now > tonumber(ARGV[7]) then return {-1, 0, 0, 0, now, 0} end -- the caller has gone
redis.call('ZADD', KEYS[2], now, ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 10000000)
redis.call('PEXPIRE', KEYS[2], 60000)
local n = redis.call('ZCARD', KEYS[2])
local v = redis.call('HMGET', KEYS[1], 't', 'u')
local tok, upd = tonumber(v[1]), tonumber(v[2])
if not tok then tok, upd = tonumber(ARGV[8]), now end
if now > upd then tok = math.min(burst, tok + (now - upd) * rate / 1000000); upd = now end
k = math.max(1, math.min(k, math.floor(tonumber(ARGV[4]) * rate / 1000000 / n)))   -- a fair lot
local debt = -tok * 1000000 / rate
local out
if debt > tonumber(ARGV[9]) then
  out = {0, math.ceil(debt - tonumber(ARGV[9])), 0, n, now, 0}
else
  local free = math.min(k, math.max(0, math.floor(tok)))
  local first = (free + 1 - tok) * 1000000 / rate     -- when the first token that is not at hand is whole
  tok = tok - k
  out = {k, math.ceil(first), math.ceil(1000000 / rate), n, now, free}
end
redis.call('HSET', KEYS[1], 't', string.format('%.6f', tok), 'u', string.format('%.0f', upd))
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(120000, burst / rate * 2000)))
return out
