-- The requests come from a file (method, path, token, body; a tab between), in turn, and every answer is looked at.
local ready, at = {}, 0
local threads = {}
local status, bytes, text
wrong = 0

function setup (thread)
  threads[#threads + 1] = thread
end

function init (args)
  status, bytes, text = tonumber(args[2]), tonumber(args[3]), args[4] or ''
  for line in io.lines(args[1]) do
    local method, path, token, body = line:match('([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)')
    local headers = {}
    if token ~= '' then headers['Authorization'] = 'Bearer ' .. token end
    if body ~= '' then headers['Content-Type'] = 'application/json' else body = nil end
    ready[#ready + 1] = wrk.format(method, path, headers, body)
  end
end

function request ()
  at = at % #ready + 1
  return ready[at]
end

function response (given, _, body)
  if given ~= status or #body < bytes or not body:find(text, 1, true) then wrong = wrong + 1 end
end

function done (summary, latency)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do errors = errors + thread:get('wrong') end
  io.write(string.format('\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors))
end
