#!/bin/sh
# Prints a checksum of each database: every key with its kind, its content and when it expires, in an order of its own.
set -eu
for kind in redis valkey; do [ -e "/etc/$kind/$kind.conf" ] && break; done
REDISCLI_AUTH=$(sed -n "s/^requirepass \"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "/etc/$kind/$kind.conf" | tail -n 1)
[ -z "$REDISCLI_AUTH" ] || export REDISCLI_AUTH
for database in $(echo 'INFO keyspace' | "$kind-cli" | sed -n 's/^db\([0-9]*\):.*/\1/p'); do
  printf '%s ' "$database"
  "$kind-cli" -n "$database" eval '
    local keys, sum = redis.call("keys", "*"), ""
    table.sort(keys)
    for _, key in ipairs(keys) do
      local kind, content = redis.call("type", key).ok, nil
      if kind == "string" then content = { redis.call("get", key) }
      elseif kind == "list" then content = redis.call("lrange", key, 0, -1)
      elseif kind == "set" then content = redis.call("smembers", key); table.sort(content)
      elseif kind == "zset" then content = redis.call("zrange", key, 0, -1, "withscores")
      elseif kind == "hash" then
        local pairs_, all = {}, redis.call("hgetall", key)
        for i = 1, #all, 2 do pairs_[#pairs_ + 1] = all[i] .. "=" .. all[i + 1] end
        table.sort(pairs_)
        content = pairs_
      else content = { redis.call("dump", key) } end
      sum = redis.sha1hex(sum .. key .. kind .. redis.call("pexpiretime", key) .. table.concat(content, ","))
    end
    return #keys .. " " .. sum' 0
done
"$kind-cli" function list withcode | sha1sum
