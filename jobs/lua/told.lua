-- A scope whose rate is told: a token bucket that may go into debt, so that a token is promised for an exact time and
-- nobody has to ask twice.
-- hash: t tokens, below 0 those that are promised; u when it was so; cut refusals of requests sent before then are old
--   news; calm next to nothing is saved up before then
-- s: rate a second, burst, unused tokens that were let go, fresh tokens of a bucket that is not there, calm µs until its gate opens
local HORIZON, GRACE = 1, 1 -- seconds: what the fleet may have promised, and until when that is sent
local MARGIN = 0.25         -- of the burst, comes back before anything is sent after a refusal
local CALM, SAVED = 10, 0.1 -- for so many seconds after it was emptied, tokens of so many seconds are all that is saved up
local function told(key, s)
  local v = redis.call('HMGET', key, 't', 'u', 'cut', 'calm')
  local tokens, at, cut, calm = tonumber(v[1]) or s.fresh, tonumber(v[2]) or now, tonumber(v[3]) or 0, tonumber(v[4]) or 0
  if at > now then
    cut, calm = set_back(at, cut, calm)
    at = now
  end
  -- What was promised and let go was never sent: it is there again, within the burst, but not behind a gate.
  local burst, back = s.burst, s.unused
  if now < calm then burst, back = math.min(burst, math.max(1, SAVED * s.rate)), 0 end
  tokens = math.min(burst, tokens + back + (now - at) * s.rate / S)
  at = now

  local b = { rate = s.rate, limit = s.rate, phase = 0, horizon = HORIZON * S }
  -- wait is how long until a token is whole.
  function b.wait() return math.max(0, (1 - tokens) * S / s.rate) end
  -- take promises k tokens: free of them at once, the next after first, and then one every spacing.
  function b.take(k)
    local free = math.min(k, math.max(0, math.floor(tokens)))
    local first = (free + 1 - tokens) * S / s.rate
    tokens = tokens - k
    return free, math.ceil(first), math.ceil(S / s.rate)
  end
  -- empty leaves nothing for now, and no burst to those who come a little later.
  function b.empty() tokens, calm = math.min(0, tokens), math.max(calm, now + (s.calm or 0) + CALM * S) end
  -- refused: the provider's bucket ran dry before ours. Its margin comes back first.
  function b.refused(sent, retry)
    if sent >= cut then
      tokens = math.min(0, tokens) - math.max(1, MARGIN * s.burst)
      cut = now + GRACE * S
    end
    if retry > 0 then
      tokens = math.min(tokens, 1 - retry * s.rate / S)
      cut = math.max(cut, now + retry)
    end
  end
  function b.save()
    redis.call('HSET', key, 't', string.format('%.6f', tokens), 'u', int(at), 'cut', int(cut), 'calm', int(calm))
    redis.call('PEXPIRE', key, int(math.max(120000, (calm - now) / 1000, 2000 * (s.burst + math.abs(tokens)) / s.rate)))
  end
  return b
end
