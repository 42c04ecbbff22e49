#!/bin/sh
# Runs `replform drift` again and again, on servers that nobody touches: each must find nothing. Changes nothing.
# $times: how often; LAB_DRIFTS=500 in the tests' environment makes a soak of it.
: "${times:?}"
times=${LAB_DRIFTS:-$times}
found=0
n=0
while [ "$n" -lt "$times" ]; do
  n=$((n + 1))
  said=$(replform drift 2>&1) && continue
  found=$((found + 1))
  echo "drift $n of $times: $said"
done
echo "$times times, $found findings"
[ "$found" -eq 0 ]
