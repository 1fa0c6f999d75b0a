-- Nothing is left for now in any of the scopes: who opens a gate lets nobody rush through.
for i, s in ipairs(q.scopes) do
  local b = s.learn and learned(KEYS[i], s) or told(KEYS[i], s)
  b.empty()
  b.save()
end
return 0
