-- Who works for the provider, and how many calls each may have in flight. What a worker holds is written as it stands,
-- never added up, so a reply that is lost does no harm; who dies holding slots loses them when its lease ends.
-- hash: worker -> "seen till slots wants since busy": when it last asked, end of its lease, slots it holds, slots it
--   could use, since when it has had some or none, and calls in flight
local ALIVE, HUNGRY = 10 * S, 2 * S -- who has not asked for so long is gone, or no longer waits for a slot
local TURN = S                      -- how long a slot is kept where there are too few for all
local AHEAD = q.debt + S            -- who has asked is seen until the last of what it was promised, which is within that
-- s: worker, max slots of the fleet, busy slots in use, wants slots it could use, known: it was here before, live: how
--   many there were then
local function fleet(key, s)
  local f = { live = 1, contended = false }
  local free, since, had, here = s.max, now, 0, false
  local wants, holds, ahead, hungry = { s.wants }, {}, 0, {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local seen, till, slots, want, from, busy = string.match(all[i + 1], '(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)')
    seen, till, slots, want, from = tonumber(seen), tonumber(till), tonumber(slots), tonumber(want), tonumber(from)
    from = math.min(from, now)
    if seen > now + AHEAD then -- the clock was set back: nobody holds anything for longer than by that of now
      till, seen = till - (seen - now - AHEAD), now + AHEAD
      redis.call('HSET', key, all[i], int(seen) .. ' ' .. int(till) .. ' ' .. slots .. ' ' .. want .. ' ' .. int(from) .. ' ' .. busy)
    end
    if all[i] == s.worker then
      here = true
      had = slots
      if slots > 0 or want > 0 then since = from end
    elseif now > seen + ALIVE and now > till then
      redis.call('HDEL', key, all[i])
    else
      if now > till then slots = 0 end
      free = free - slots
      if now <= seen + ALIVE then
        f.live = f.live + 1
        if want > 0 then
          wants[#wants + 1] = want
          holds[#holds + 1] = { want, slots }
          if slots == 0 and now <= seen + HUNGRY then hungry[#hungry + 1] = from end
        end
      end
    end
  end
  local over = had > 0 and now - since >= TURN
  for _, from in ipairs(hungry) do
    if over or from < since then ahead = ahead + 1 end
  end

  -- Nobody gets more than an even share while another wants for some.
  table.sort(wants)
  local left, n, share = s.max, #wants, s.max
  for _, want in ipairs(wants) do
    if want > left / n then
      share, f.contended = math.floor(left / n), true
      break
    end
    left, n = left - want, n - 1
  end
  local owed = 0 -- to others, of their shares
  for _, h in ipairs(holds) do owed = owed + math.max(0, math.min(h[1], share) - h[2]) end
  local slots
  if share > 0 then
    slots = math.max(0, math.min(s.wants, free, math.max(share, free - owed)))
  elseif had > 0 and not over then -- fewer slots than workers: in turn
    slots = math.max(0, math.min(1, free))
  else
    slots = free > ahead and math.min(1, s.wants) or 0
  end
  if s.known and not here then -- Redis has lost what the others hold
    slots = math.min(slots, math.max(1, math.floor(s.max / s.live)))
  end
  f.grant, f.slots = slots, math.max(slots, s.busy)
  if over and slots > 0 or (had > 0) ~= (f.slots > 0) then since = now end

  function f.save(held, wait, lease)
    local till = now + wait + lease
    redis.call('HSET', key, s.worker, int(now + wait) .. ' ' .. int(till) .. ' ' .. held .. ' ' .. s.wants .. ' ' .. int(since) .. ' ' .. s.busy)
    redis.call('PEXPIRE', key, int((wait + lease + ALIVE) / 1000))
  end
  return f
end
