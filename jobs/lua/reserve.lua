-- A lot of up to #q.turn requests, one of s or p each: slots, tokens with the times at which they may be used, and the
-- day's count, for all scopes at once.
-- KEYS: 1 fleet  2 day {till, used}  3 set of workers by when they were seen
--   then one for each of q.scopes: that of the provider, and those of s and p if asked
-- returns {status, now, s granted, p granted, s wait, p wait, slots, slots to keep to, live, contended, used,
--   present, end of the day, and for each scope: free, first, spacing, rate*1000, limit*1000, phase}
local OK, LATE, NEWDAY, USED = 0, 1, 2, 3
if q.deadline and now > q.deadline then return { LATE, now } end -- who asked has gone its own way

local used, left, till = 0, #q.turn, 0
if q.day then
  if now >= q.day.till then return { NEWDAY, now } end
  local v = redis.call('HMGET', KEYS[2], 'till', 'used')
  used, till = q.day.used, q.day.till
  -- What is counted goes on being counted until its day is over, also where the clock was set back and others know of
  -- another end. Only an end that no day may have now is given up.
  local known = tonumber(v[1])
  if known and now < known then
    used = math.max(used, tonumber(v[2]))
    if known <= q.day.last then till = known end
  end
  used = math.max(0, used + q.day.spent)
  if q.day.limit > 0 then left = math.max(0, math.min(left, q.day.limit - used)) end
end

local f = fleet(KEYS[1], q.slots)
local scopes = {}
for i, s in ipairs(q.scopes) do
  local b = s.learn and learned(KEYS[3 + i], s) or told(KEYS[3 + i], s)
  if q.drain then b.empty() end
  scopes[i] = { of = s.of, bucket = b }
end

-- How long a kind has to wait before it is worth promising anything.
local held = { s = 0, p = 0 }
local slowest
for _, s in ipairs(scopes) do
  local wait = s.bucket.wait() - (s.bucket.debt or q.debt)
  for kind in pairs(held) do
    if s.of == '' or s.of == kind then held[kind] = math.max(held[kind], wait) end
  end
  if not slowest or s.bucket.rate < slowest.rate then slowest = s.bucket end
end

-- A lot is no more than its slots can carry, and no more than a fair part of what the fleet may promise.
local k = math.min(left, f.grant * q.slots.turn - q.slots.busy)
if slowest then k = math.min(k, math.max(1, math.floor(slowest.horizon * slowest.rate / S / f.live))) end
local n = { s = 0, p = 0 }
for kind in string.gmatch(q.turn, '.') do
  if k > 0 and held[kind] <= 0 then
    n[kind], k = n[kind] + 1, k - 1
  end
end
local all = n.s + n.p

local status, last = OK, 0
if q.day and q.day.limit > 0 and left == 0 and #q.turn > 0 then status = USED end
if all == 0 then -- a slot is asked for again soon
  for kind in pairs(held) do held[kind] = math.max(held[kind], q.again) end
end
local out = { status, now, n.s, n.p, 0, 0, 0, 0, f.live, f.contended and 1 or 0, used + all,
  attend(KEYS[3], q.slots.worker, q.alive), till }
for _, s in ipairs(scopes) do
  local b, part = s.bucket, n[s.of] or all
  local free, first, spacing = b.take(part)
  if part > free then last = math.max(last, first + (part - free - 1) * spacing) end
  for _, x in ipairs({ free, first, spacing, math.floor(b.rate * 1000), math.floor(b.limit * 1000), b.phase }) do out[#out + 1] = x end
  b.save()
end
out[5], out[6] = math.ceil(math.max(0, held.s)), math.ceil(math.max(0, held.p))
-- Beyond what its lot may have in flight at once a worker holds nothing, unless slots are all it asks for.
out[7], out[8] = f.slots, f.grant
if #q.turn > 0 then out[7] = math.min(f.slots, q.slots.busy + all) end
f.save(out[7], last, q.slots.lease)
if q.day then
  redis.call('HSET', KEYS[2], 'till', int(till), 'used', used + all)
  redis.call('PEXPIRE', KEYS[2], int((till - now) / 1000 + 86400000))
end
return out
