"""The exchange: what a process says of a room and is told of it, as one script in Redis, so that no two are mixed."""

import hashlib

EXCHANGE = """
local here, people, says, told, owed, order, memory = unpack(KEYS)
local asked, time = cjson.decode(ARGV[1]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lasts, grace, changed, torn = tonumber(ARGV[3]), tonumber(ARGV[8]), asked.retell, false
local since = tonumber(redis.call('GET', memory) or now + 1)
if since > now then
  since = now
  redis.call('SET', memory, since)
end
local is_young, is_whole = now < since + grace
if redis.call('PTTL', told) > math.max(grace, ARGV[5]) then redis.call('DEL', told) end

local function renew(members, known)
  for i, member in ipairs(members) do
    local name = asked.process .. ' ' .. member
    local ends = tonumber(redis.call('HGET', here, name) or '0')
    torn = torn or (known and ends <= now)
    redis.call('HSET', here, name, now + lasts)
    if redis.call('ZADD', people, 'NX', now + i / 4096, member) == 1 then changed = true end
  end
end

local function shown()
  local members, told = redis.call('ZRANGE', people, 0, ARGV[7] - 1), {}
  local states = #members > 0 and redis.call('HMGET', says, unpack(members)) or {}
  for i, member in ipairs(members) do
    told[i] = '[' .. cjson.encode(member) .. ',' .. (states[i] and string.match(states[i], ' (.*)') or 'null') .. ']'
  end
  local room = '{"count":' .. redis.call('ZCARD', people) .. ',"people":[' .. table.concat(told, ',') .. ']'
  return room .. ',"order":' .. (is_whole and redis.call('GET', order) or '0') .. '}'
end

for _, member in ipairs(asked.left) do redis.call('HDEL', here, asked.process .. ' ' .. member) end
renew(asked.here, true)
renew(asked.came, false)

local there, entries = {}, redis.call('HGETALL', here)
for i = 1, #entries, 2 do
  local process, member = string.match(entries[i], '(%S+) (.*)')
  local is_late, ends = process == asked.process and not asked.beat, tonumber(entries[i + 1])
  if ends > now + lasts then redis.call('HSET', here, entries[i], now + lasts) end
  if is_late or ends > now then
    there[member] = true
    torn = torn or ends <= now
  else
    torn = torn or asked.retell
    redis.call('HDEL', here, entries[i])
  end
end
for _, member in ipairs(redis.call('ZRANGE', people, 0, -1)) do
  if not there[member] then
    redis.call('ZREM', people, member)
    redis.call('HDEL', says, member)
    changed = true
  end
end
for member, said in pairs(asked.says) do
  local at, before = now - said[1], redis.call('HGET', says, member) or '0 null'
  local last = tonumber(string.match(before, '^%d+'))
  if there[member] and (at >= last or last > now) then
    redis.call('HSET', says, member, string.format('%d %s', at, said[2]))
    changed = changed or string.match(before, ' (.*)') ~= said[2]
  end
end

local before, moment = tonumber(redis.call('GET', order) or 0), time[1] * 1000000 + time[2]
if asked.order > before then before, changed = asked.order + 1000 * lasts, true end
if torn then redis.call('SET', told, 'torn', 'PX', grace) end
is_whole = not is_young and redis.call('GET', told) ~= 'torn'
if changed or (asked.look or asked.beat) and not is_whole then redis.call('SET', owed, 1, 'PX', 60000) end
if changed or before == 0 then redis.call('SET', order, string.format('%.0f', math.max(before + 1, moment))) end
for _, key in ipairs({here, people, says, order}) do redis.call('PEXPIRE', key, 2 * lasts) end
local count, news = redis.call('ZCARD', people), asked.look and shown() or false
local pause = count > tonumber(ARGV[6]) and ARGV[5] or ARGV[4]
local is_owed = redis.call('EXISTS', owed) == 1
if is_owed and not is_young and redis.call('SET', told, 1, 'NX', 'PX', pause) then
  redis.call('DEL', owed)
  is_owed = false
  news = news or shown()
  redis.call('PUBLISH', ARGV[2], '{"order":' .. (redis.call('GET', order) or '0') .. ',"body":' .. news .. '}')
end
return {torn and 1 or 0, is_owed and 1 or 0, count, asked.look and news or '', redis.call('GET', order)}
"""
"""What a process says of a room, and what it is told, in one trip: who is still there, who came and left, and what they
say. Of what a member says in several processes the latest counts, by how long ago it was said there. A change makes the
room owed to its listeners; whoever comes by when it may be told does so. `order` says which of two states is the later:
what is told and what is looked up come by different ways. A room of which Redis has just lost some has none (0) when it
is looked at, and is owed: it is told when all have said who is there.

The clock of Redis may be set back, and what it has written lie in the future then: that is not waited for. Where it has
forgotten the order besides, a process says which it was told last. Others may have been told more since, but no process
has been silent for longer than entries last.

Who comes at once is in the order in which the process names them. A process that speaks is alive: those of its own are
taken for absent only when it says, at a beat, that they are. Of others who are late it is not told at once by a process
that was cut off: these may have been, too.
"""
SHA = hashlib.sha1(EXCHANGE.encode(), usedforsecurity=False).hexdigest()
