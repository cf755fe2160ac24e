-- goto and labels.
do
  local i = 0
  ::top:: i = i + 1
  if i < 5 then goto top end
  assert(i == 5)
end
local out = {}
for i = 1, 5 do
  for j = 1, 5 do
    if j == 3 then goto continue end
    if i == 4 then goto done end
    out[#out + 1] = i * 10 + j
    ::continue::
  end
end
::done::
assert(#out == 12 and out[12] == 35)
-- a label at the end of a block may be jumped to past a local
do
  goto skip
  local x
  ::skip::
end
-- closures made by a loop with goto
do
  local fs = {}
  local i = 1
  ::again::
  do local j = i fs[i] = function() return j end end
  i = i + 1
  if i <= 3 then goto again end
  assert(fs[1]() == 1 and fs[3]() == 3)
end
assert(load('goto nowhere') == nil)
assert(load('do goto l end local a ::l:: print(a)') == nil)
assert(load('::a:: ::a::') == nil)
assert(load('break') == nil)
while true do if true then break end end
repeat local x = 1 until x == 1
