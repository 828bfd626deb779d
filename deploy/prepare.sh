#!/bin/sh
# Prepares the folder of compose.yaml: passwords, keys, addresses and development certificates in secrets/, folders for data,
# and .env. What is there already stays as it is.
#
#   deploy/prepare.sh https://login.example.cn/realms/office        # the issuer of people's tokens
#
# Needs `eseal` (or its path in ESEAL) for the certificates. They are for development: see README.md.
set -eu

issuer="${1:?usage: prepare.sh ISSUER [FOLDER]}"
folder="${2:-$(dirname "$0")}"
secrets="$folder/secrets"
umask 077

random() { od -An -N 32 -tx1 /dev/urandom | tr -d ' \n'; }
# Writes what it is given into a file that is not there yet, whole or not at all.
once() { [ -e "$1" ] || { cat >"$1.new" && mv "$1.new" "$1"; }; }
url() { printf 'postgres://%s:%s@postgres/eseal_%s?sslmode=verify-full&sslrootcert=/etc/eseal/%s/ca.crt' "$1" "$2" "$3" "$4"; }

mkdir -p "$secrets" "$folder/data/postgres" "$folder/data/nats"
random | once "$secrets/postgres-password"
for service in application fabrication authentication verification; do
  random | once "$secrets/$service-password"
  random | once "$secrets/$service-owner-password"
  url "${service}_service" "$(cat "$secrets/$service-password")" "$service" tls | once "$secrets/$service-url"
  url "${service}_owner" "$(cat "$secrets/$service-owner-password")" "$service" setup | once "$secrets/$service-owner-url"
done
# Without these two nothing that was encrypted in the databases is read again: keep copies apart from the databases'.
for service in fabrication authentication; do random | once "$secrets/$service-key"; done
[ -e "$secrets/pki/ca.crt" ] || "${ESEAL:-eseal}" dev-pki create "$secrets/pki" >/dev/null

# The containers run as whoever owns these files, but never as root.
uid="$(id -u)" gid="$(id -g)"
if [ "$uid" = 0 ]; then
  uid=65532 gid=65532
  chown -R "$uid:$gid" "$secrets" "$folder/data"
fi
printf 'ESEAL_UID=%s\nESEAL_GID=%s\nESEAL_ISSUER=%s\n' "$uid" "$gid" "$issuer" | once "$folder/.env"
echo "prepared: $folder"
