#!/usr/bin/env bash
# Fails when a generator writes something else than what is in the tree.
# It compares before with after, so that unrelated uncommitted work does not matter.
set -euo pipefail
cd "$(dirname "$0")/.."

sums() {
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do
            [[ ! -f $file ]] || sha256sum -- "$file"
        done
}

before=$(sums)
go generate ./...
diff <(echo "$before") <(sums) || {
    echo 'generated files were out of date; they are written anew, look at them and commit' >&2
    exit 1
}
