#!/usr/bin/env bash
# Installs what the tests use beside Go: only Debian packages, only what is missing.
#
# Where it cannot install (not root, not Debian) it names what is missing and
# goes on: the tests that need it skip. With CI=true anything missing is an error.
set -euo pipefail

# The one list: a Debian package, then the command that shows it is there.
needs=(
    'gcc           command -v gcc'                         # go test -race
    'libc6-dev     echo "#include <stdlib.h>" | gcc -E -'  # go test -race
    'redis-server  command -v redis-server'                # tests against a real Redis
    'chromium      command -v chromium'                    # tests of pages in a browser
    'prometheus    command -v promtool'                    # tests of alarms and of the dashboard
    'systemd       command -v systemd-analyze'             # tests of its units
    'postgresql    ls /usr/lib/postgresql/*/bin/initdb'    # tests start clusters of their own
)

missing() {
    local need package probe
    for need in "${needs[@]}"; do
        read -r package probe <<<"$need"
        bash -c "$probe" >/dev/null 2>&1 || printf '%s ' "$package"
    done
}

install() {
    echo "installing for the tests: $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"
}

lack=$(missing)
if [[ -n $lack ]] && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    # Word splitting makes one argument of each package.
    # shellcheck disable=SC2086
    install $lack >&2 || echo 'installing failed' >&2
    lack=$(missing)
fi

for package in $lack; do
    echo "missing: $package" >&2
done
[[ -z $lack || ${CI:-} != true ]]
