#!/usr/bin/env bash
# Prints figures of a binary: its size, how long it takes to start, and what
# `plateq up` with all five providers takes while nothing is to do.
set -euo pipefail
binary=$(realpath "$1")
dir=$(mktemp -d)
pid=
trap 'if [[ -n $pid ]]; then kill "$pid" && wait "$pid" || true; fi; rm -rf "$dir"' EXIT
cd "$dir"

echo "size: $(($(stat -c %s "$binary") / 1024 / 1024)) MiB"

begin=$(date +%s%N)
for _ in {1..20}; do "$binary" version >"$dir/version"; done
echo "start: $((($(date +%s%N) - begin) / 20000000)) ms, of 20 starts"

begin=$(date +%s%N)
PLATEQ_LISTEN=127.0.0.1:0 PLATEQ_ADMIN_LISTEN=127.0.0.1:18081 PLATEQ_LOG_FORMAT=json "$binary" up --simulate 2>"$dir/log" &
pid=$!
until PLATEQ_ADMIN_LISTEN=127.0.0.1:18081 "$binary" doctor --health 2>/dev/null; do
    kill -0 "$pid" || { cat "$dir/log" >&2; exit 1; }
    sleep 0.02
done
echo "ready: $((($(date +%s%N) - begin) / 1000000)) ms to the first answer, with a new store"

ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; } # hundredths of a second of CPU
settle=${SETTLE:-20}
sleep "$settle" # what the start took is given back after a while
before=$(ticks)
sleep "$settle"
echo "idle: $((($(ticks) - before) * 10 / settle)) thousandths of a processor"
echo "idle: $(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status") MiB resident, $(awk '/^RssAnon/ { print int($2 / 1024) }' "/proc/$pid/status") MiB of it not the binary's own pages"
