#!/bin/sh
# Makes the secrets of docker-compose.yml in a directory: keys of the store,
# passwords, and the addresses that hold them. What is there already stays. Keep
# a copy: without the keys the store cannot be read.
set -eu
umask 077
dir=${1:-/secrets}
redis=${REDIS:-redis:6379}
postgres=${POSTGRES:-postgres:5432}

key() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
# A password has no letter that means something in a URL.
password() { head -c 24 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'; }

# keep OWNER NAME TEXT: whole or not at all.
keep() {
    if [ ! -s "$dir/$2" ]; then
        printf '%s\n' "$3" >"$dir/$2.new"
        if [ "$(id -u)" = 0 ]; then chown "$1:$1" "$dir/$2.new"; fi
        mv "$dir/$2.new" "$dir/$2"
    fi
}

# Users of the images: Redis and PostgreSQL have 999, Grafana 472, Plateq 65532.
keep 999 redis_password "$(password)"
keep 999 redis.conf "requirepass $(cat "$dir/redis_password")"
keep 999 postgres_password "$(password)"
keep 472 grafana_password "$(password)"
keep 65532 redis_url "redis://:$(cat "$dir/redis_password")@$redis/0"
keep 65532 database_url "postgres://plateq:$(cat "$dir/postgres_password")@$postgres/plateq?sslmode=disable"
keep 65532 encryption_keys "$(head -c 4 /dev/urandom | od -An -tx1 | tr -d " \n"):$(key)"
keep 65532 index_key "$(key)"
keep 65532 enqueue_key "$(key)"
# Whoever enters has to be let in; each file is its owner's alone.
chmod 0711 "$dir"
