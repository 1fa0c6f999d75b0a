-- The provider refused a request of a scope since there were too many.
-- KEYS: 1 the scope   q: scope, age of the request, retry: what the provider asked for, µs
local s = q.scope
local b = s.learn and learned(KEYS[1], s) or told(KEYS[1], s)
b.refused(now - q.age, q.retry)
b.save()
return 0
