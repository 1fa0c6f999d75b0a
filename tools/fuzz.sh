#!/usr/bin/env bash
# Runs every fuzz target in the tree, one after the other, for as long each as
# its argument says, and ends with a table. Targets are found by looking for
# them: there is no list to forget one in.
#
# A target that fails leaves what it failed on in testdata/fuzz of its package,
# where `go test` tries it from then on; the others are run nonetheless.
set -uo pipefail
cd "$(dirname "$0")/.."
fuzztime=$1

log=$(mktemp)
trap 'rm -f "$log"' EXIT

mapfile -t targets < <(
    git ls-files --cached --others --exclude-standard -- '*_test.go' |
        xargs grep -oE '^func Fuzz[A-Za-z0-9_]*\(' | # file:func Name(
        sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*)\($|\1 \2|' | sort
)
if ((${#targets[@]} == 0)); then
    echo 'no fuzz target was found' >&2
    exit 1
fi

# last prints the last number that the log has behind a word.
last() { grep -oE "$1: [0-9]+" "$log" | tail -n 1 | grep -oE '[0-9]+$' || echo 0; }

table=() failed=0
for target in "${targets[@]}"; do
    read -r dir name <<<"$target"
    echo "== $dir $name" >&2
    result=ok
    # An input that is new is made shorter for a minute, unless told otherwise:
    # where it is a long one, nothing else was tried in that time.
    if ! go test -run='^$' -fuzz="^$name\$" -fuzztime="$fuzztime" -fuzzminimizetime=50x "./$dir" >"$log" 2>&1; then
        result=FAILED failed=$((failed + 1))
        tail -n 40 "$log" >&2
    elif (($(last execs) == 0)); then
        result='NOT RUN' failed=$((failed + 1))
        tail -n 40 "$log" >&2
    fi
    table+=("$(printf '%-34s %-24s %10s %6s  %s' "$dir" "$name" "$(last execs)" "$(last 'new interesting')" "$result")")
done

printf '%-34s %-24s %10s %6s\n' package target inputs new
printf '%s\n' "${table[@]}"
printf '%d targets, %s each, %d failed\n' "${#targets[@]}" "$fuzztime" "$failed"
((failed == 0))
