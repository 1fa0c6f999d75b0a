-- A process says that it is there, though it may have nothing to ask for, and learns how many are.
-- KEYS: 1 set of workers by when they were seen   q: worker, alive µs
return attend(KEYS[1], q.worker, q.alive)
