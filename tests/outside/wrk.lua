-- Events with ids of their own, THREAD-NUMBER-WHEN; the places that were answered, each with when, go to files, a thread
-- each. When: microseconds of a clock that only goes on. wrk tells a script no latency of one answer, and not which
-- request an answer is of; the id that stands in the log at its place tells when that was sent. Environment: DW_KEY,
-- DW_NAME, DW_FOLDER. `done` prints a line of JSON.
local ffi = require("ffi")
ffi.cdef[[
  typedef struct { long seconds, nanoseconds; } dw_time;
  int clock_gettime(int clock, dw_time *out);
]]
local threads = {}
local out = ffi.new("dw_time")

local function now()
  ffi.C.clock_gettime(1, out)  -- CLOCK_MONOTONIC
  return string.format("%d", tonumber(out.seconds) * 1000000 + math.floor(tonumber(out.nanoseconds) / 1000))
end

function setup(thread)
  thread:set("number", #threads + 1)
  table.insert(threads, thread)
end

function init()
  key, name = os.getenv("DW_KEY"), os.getenv("DW_NAME")
  places = assert(io.open(os.getenv("DW_FOLDER") .. "/places-" .. number, "w"))
  sent, taken, rate, busy, other, without = 0, 0, 0, 0, 0, 0
  fields = {["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/cloudevents+json"}
end

function request()
  sent = sent + 1
  local body = string.format('{"specversion":"1.0","id":"%d-%d-%s","source":"wrk","type":"com.example.%s",' ..
                             '"subject":"com.example/%d"}', number, sent, now(), name, sent % 100)
  return wrk.format("POST", "/v1/events", fields, body)
end

function response(status, headers, body)
  if status == 202 then
    taken = taken + 1
    places:write(now(), " ", body, "\n")
    places:flush()
  elseif status == 429 then
    rate = rate + 1
  elseif status == 503 then
    busy = busy + 1
  else
    other = other + 1
  end
  if (status == 429 or status == 503) and not headers["Retry-After"] then without = without + 1 end
end

function done(summary)
  local sums = {taken = 0, rate = 0, busy = 0, other = 0, without = 0}
  for _, thread in ipairs(threads) do
    for what, sum in pairs(sums) do sums[what] = sum + thread:get(what) end
  end
  local broken = summary.errors
  print(string.format('{"taken":%d,"rate":%d,"busy":%d,"other":%d,"without":%d,"errors":%d}', sums.taken, sums.rate,
                      sums.busy, sums.other, sums.without,
                      broken.connect + broken.read + broken.write + broken.timeout))
end
