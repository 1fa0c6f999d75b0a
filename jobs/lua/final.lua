-- Adds up what the fleet has seen of records becoming final, and returns all of it.
-- KEYS[1] hash: n = records, others = sums, by cell
-- ARGV 1 records beyond which all sums are halved  2 how long it is kept, ms  3 records that are new  4… field and what is added to it
local n = tonumber(redis.call('HINCRBYFLOAT', KEYS[1], 'n', ARGV[3]))
for i = 4, #ARGV, 2 do
  redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1])
end
local all = redis.call('HGETALL', KEYS[1])
if n > tonumber(ARGV[1]) then
  for i = 2, #all, 2 do
    all[i] = string.format('%.3f', tonumber(all[i]) / 2)
    redis.call('HSET', KEYS[1], all[i - 1], all[i])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return all
