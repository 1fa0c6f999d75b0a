-- What every script begins with: the question, and the time in µs by Redis' own clock, which all processes share.
local q = cjson.decode(ARGV[1])
local S = 1000000
local now = q.now
if not now then
  local t = redis.call('TIME')
  now = t[1] * S + t[2]
end
local function int(x) return string.format('%.0f', x) end
-- The clock may have been set back, or Redis be another one now. What was written at a time that is still to come was
-- written just now: set_back returns times that were written with it as if it had been.
local function set_back(written, ...)
  local times = { ... }
  for i, t in ipairs(times) do times[i] = t - (written - now) end
  return unpack(times)
end
