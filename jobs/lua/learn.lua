-- A scope whose rate is not told: slow start, then the limit measured between two refusals, and a curve around it.
-- What went through from one refusal to the next, over the time between, is the limit: a bucket is empty at both ends.
-- hash: r rate a second; w limit as measured; ph phase; last when the rate was looked at; ct where the curve began;
--   t4 the last refusal; n promised for a time since then; no refused of that; pa pause until; st refusals that
--   followed too soon; cut refusals of requests sent before then are old news; nx when the next token is due
-- s: unused tokens that were let go; rate, limit, phase as this process remembers them, if it does; fresh wait before the first
-- phases: 0 doubling, 1 climbing, 2 on the curve
local START, DOUBLINGS, CLIMB = 1, 1, 0.04 -- a second
-- The curve starts at BETA of AIM of the limit and is flat at AIM after some time: at first that of 16 requests, then
-- longer each time, until it is that of 200; no less than 8 s, no more than 2 minutes.
-- Where nothing was refused till END, in times of flat and beyond it, the limit has risen: BOLD a second.
local BETA, AIM, END, BOLD, EARLY = 0.95, 1.01, 1.25, 0.12, 0.99
local function flat(requests, limit) return math.max(8, math.min(120, requests / limit)) end
local CUT, EASY, FLOOR = 0.45, 0.75, 0.2   -- of the rate where nothing was measured, and while it climbs; never below FLOOR a second
local PAUSE, REST = 0.5, 0.1               -- seconds without requests, after CUT and after a measured refusal
local SOON, FEW, STRIKES, MANY = 1.5, 8, 3, 10     -- that many refusals so soon after another one, or in a row: the limit has fallen
local HORIZON = { [0] = 0.1, 0.25, 0.5 }   -- seconds of its time that the fleet may have promised, by phase
local GRACE = 0.7                          -- what was promised before a correction is sent within that
local KEEP = 30 * 24 * 3600 * 1000
local function learned(key, s)
  local v = redis.call('HMGET', key, 'r', 'w', 'ph', 'last', 'ct', 't4', 'n', 'no', 'pa', 'st', 'cut', 'nx', 'fl')
  local r, w, ph = tonumber(v[1]), tonumber(v[2]) or 0, tonumber(v[3]) or 0
  local last, ct, t4 = tonumber(v[4]) or now, tonumber(v[5]) or now, tonumber(v[6]) or now
  local n, no, pa, st = tonumber(v[7]) or 0, tonumber(v[8]) or 0, tonumber(v[9]) or 0, tonumber(v[10]) or 0
  local cut, nx = tonumber(v[11]) or 0, tonumber(v[12]) or now + s.fresh
  local fl = tonumber(v[13]) or 8
  if last > now then
    ct, t4, pa, cut, nx = set_back(last, ct, t4, pa, cut, nx)
    last = now
  end
  if not r then
    r, w, ph = START, 0, 0
    if s.rate then r, w, ph = s.rate, s.limit, s.phase end
  end
  -- What was promised and let go was never sent: its time is there again.
  n, nx = math.max(0, n - s.unused), math.max(math.min(nx, now - S / r), nx - s.unused * S / r)

  -- The rate grows only while it is what holds the fleet back. Time in which nobody asks proves nothing.
  local dt = math.min(1, (now - last) / S)
  if now < pa then dt = 0 end
  if nx < now - 2 * S / r then
    ct, t4, dt = ct + (now - last), t4 + (now - last), 0
  end
  last = now
  local horizon = HORIZON[ph]
  if ph == 0 then
    r = r * 2 ^ (DOUBLINGS * dt)
  elseif ph == 1 then
    r = r + CLIMB * r * dt
  elseif dt > 0 then
    local x = (now - ct) / S / fl - 1
    r = AIM * w * (1 + (1 - BETA) * math.max(-1, math.min(x, END)) ^ 3)
    if x > END then
      r, horizon = r * (1 + BOLD) ^ ((x - END) * fl), HORIZON[1]
    end
  end

  local b = { rate = r, limit = w, phase = ph, horizon = horizon * S }
  -- While the rate doubles, a promise for later would be one at the rate of now.
  if ph == 0 then b.debt = b.horizon end
  function b.wait() return math.max(0, nx - now, pa - now) end
  function b.take(k)
    if k == 0 then return 0, 0, 0 end
    nx = math.max(nx, now - S / r, pa) -- at most one token is saved up: spread evenly
    local first = math.max(0, nx - now)
    nx, n = nx + k * S / r, n + k
    return 0, math.ceil(first), math.ceil(S / r)
  end
  function b.empty() nx = math.max(nx, now + S / r) end
  -- ahead is what is promised for later.
  local function ahead() return math.min(n, math.max(0, (nx - now) * r / S)) end
  -- over gives the measured limit up and looks for it from below.
  local function over(rate, pause)
    ph, w, st, fl = 1, r, 0, 0
    n, no, t4 = ahead(), 0, now
    r = math.max(FLOOR, rate)
    pa = now + pause * S
    cut = math.max(pa, nx, now + GRACE * S)
  end
  function b.refused(sent, retry)
    if sent >= t4 then no = no + 1 end
    if ph == 2 and no >= MANY and no > 0.4 * (n - ahead()) then over(r * CUT, PAUSE) end
    if sent >= cut then
      local span = (now - t4) / S
      local est = math.max(0, n - no - ahead()) / math.max(span, 0.001)
      if ph == 0 then
        over(r * CUT, PAUSE)
      elseif span < SOON or n - ahead() < FEW then
        st, r, w, cut = st + 1, 0.9 * r, 0.9 * w, math.max(now, nx) -- not those promised at the old rate
        if st >= STRIKES then over(r * (ph == 1 and EASY or CUT), PAUSE) end
      elseif ph == 2 and r < EARLY * AIM * w and st < STRIKES then
        st, pa = st + 1, now + REST * S -- one that was late, not the limit: the curve goes on
      elseif est < 0.4 * r then
        over(r * CUT, PAUSE)
      elseif est < 0.8 * r then -- the bucket ran over since: the limit is higher
        over(math.max(est, 0.65 * r), REST)
      else
        ph, st = 2, 0
        n, no, t4, ct = ahead(), 0, now, now
        w = math.min(r, est)
        fl = math.min(flat(200, w), math.max(flat(16, w), fl * 2))
        r = AIM * BETA * w
        pa, cut = now + REST * S, math.max(nx, now + GRACE * S)
      end
    end
    if retry > 0 then
      pa = math.max(pa, now + retry)
      cut = math.max(cut, pa)
    end
    nx = math.max(nx, pa)
  end
  function b.save()
    redis.call('HSET', key, 'r', r, 'w', w, 'ph', ph, 'last', int(last), 'ct', int(ct), 't4', int(t4),
      'n', n, 'no', no, 'pa', int(pa), 'st', st, 'cut', int(cut), 'nx', int(nx), 'fl', fl)
    redis.call('PEXPIRE', key, KEEP)
  end
  return b
end
