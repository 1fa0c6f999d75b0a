-- Learned pace of one provider scope, shared by the fleet: slow start, pause after an overshoot, measure between two 429, plateau.
-- KEYS[1] hash  KEYS[2] zset of live workers
-- ARGV 1 op r|e  2 k  3 horizon us  4 worker id  5 accepted answers since last call  6 age of the refused request us
--      16 mode p|a  17 grace us: lots reserved before a cut are still on their way
--      7 Retry-After us (0 = none)  8 now us (0 = TIME)  9 start rate  10 K s  11 beta  12 cut  13 doublings/s  14 search/s  15 max rate (0 = none)
-- returns {granted, wait us, spacing us, workers, now, rate*1000, phase, limit*1000}
local now = tonumber(ARGV[8])
if now == 0 then local t = redis.call('TIME'); now = t[1] * 1000000 + t[2] end
local S = 1000000
local v = redis.call('HMGET', KEYS[1], 'r', 'w', 'ph', 'last', 'ct', 't4', 'ok', 'pa', 'st', 'cut', 'nx')
local r, w, ph, last = tonumber(v[1] or ARGV[9]), tonumber(v[2] or 0), tonumber(v[3] or 0), tonumber(v[4] or now)
local ct, t4, ok, pa = tonumber(v[5] or now), tonumber(v[6] or now), tonumber(v[7] or 0), tonumber(v[8] or 0)
local st, cut, nx = tonumber(v[9] or 0), tonumber(v[10] or 0), tonumber(v[11] or now)
local K, beta = tonumber(ARGV[10]), tonumber(ARGV[11])
redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 10 * S)
local n = redis.call('ZCARD', KEYS[2])
ok = ok + tonumber(ARGV[5])
-- grow, but only while the pace is what holds the fleet back
local dt = math.min(1, math.max(0, (now - last) / S))
if now < pa then dt = 0 end
if nx < now - 2 * S / r then ct = ct + (now - last); dt = 0 end -- idle: nobody asked
last = now
if ph == 0 then r = r * 2 ^ (tonumber(ARGV[13]) * dt)
elseif ARGV[16] == 'a' then r = r + dt
elseif ph == 1 then r = r + tonumber(ARGV[14]) * math.max(w, r) * dt
elseif dt > 0 then
  local x = (now - ct) / S - K
  r = math.max(0.5 * w, w * (1 + (1 - beta) * (x / K) ^ 3))
end
if tonumber(ARGV[15]) > 0 then r = math.min(r, tonumber(ARGV[15])) end
local out
if ARGV[1] == 'e' then
  local sent = now - tonumber(ARGV[6])
  local G = tonumber(ARGV[17])
  if sent >= cut then
    local span = (now - t4) / S
    local est = ok / math.max(span, 0.001)
    local function over(f, pause)
      ph = 1; w = r; st = 0; r = math.max(0.2, f); pa = now + pause; t4 = now; ok = 0; cut = math.max(pa, now + G)
    end
    if ARGV[16] == 'a' then ph = 1; r = math.max(0.2, r * (ph == 0 and 0.5 or 0.9)); cut = now + G; t4 = now; ok = 0; w = r
    elseif ph == 0 then over(r * tonumber(ARGV[12]), S)
    elseif span < 1.5 then st = st + 1; if st >= 3 then over(r * tonumber(ARGV[12]), S) end
    elseif est < 0.4 * r then over(r * tonumber(ARGV[12]), S)
    elseif est < 0.8 * r and ph == 2 then over(math.max(est, 0.7 * r), 0.2 * S)
    else ph = 2; st = 0; w = math.min(est, r); r = beta * w; t4 = now; ok = 0; pa = now + 0.15 * S; cut = now + G; ct = now end
    if tonumber(ARGV[7]) > 0 then pa = math.max(pa, now + tonumber(ARGV[7])); cut = math.max(cut, pa) end
    if pa > now then nx = math.max(nx, pa) end
  end
  out = {0, math.max(0, pa - now), 0, n, now, math.floor(r * 1000), ph, math.floor(w * 1000)}
else
  local k = math.max(1, math.min(tonumber(ARGV[2]), math.floor(tonumber(ARGV[3]) * r / S / n)))
  nx = math.max(nx, now - S / r, pa)           -- at most one token saved up: spread evenly
  out = {k, math.ceil(math.max(0, nx - now)), math.ceil(S / r), n, now, math.floor(r * 1000), ph, math.floor(w * 1000)}
  nx = nx + k * S / r
end
redis.call('HSET', KEYS[1], 'r', r, 'w', w, 'ph', ph, 'last', string.format('%.0f', last), 'ct', string.format('%.0f', ct), 't4', string.format('%.0f', t4),
  'ok', ok, 'pa', string.format('%.0f', pa), 'st', st, 'cut', string.format('%.0f', cut), 'nx', string.format('%.0f', nx))
return out
