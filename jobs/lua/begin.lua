-- What every script begins with: the question, and the time in µs by Redis' own clock, which all processes share.
local q = cjson.decode(ARGV[1])
local S = 1000000
local now = q.now
if not now then
  local t = redis.call('TIME')
  now = t[1] * S + t[2]
end
local function int(x) return string.format('%.0f', x) end
