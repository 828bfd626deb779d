#!/bin/sh
# Makes a database and two roles for every service: its owner, which migrates, and the role of the running service, which gets
# its few rights from the migration. Run once, by the image's entrypoint, when the data folder is new.
set -eu

secrets="${ESEAL_SECRETS:-/run/secrets}"
for service in application fabrication authentication verification; do
  # psql reads the passwords from their files itself: they are on no command line.
  psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --set service="$service" --set secrets="$secrets" \
    --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set owner :service '_owner'
\set role :service '_service'
\set database 'eseal_' :service
\set owner_file :secrets '/' :service '-owner-password'
\set role_file :secrets '/' :service '-password'
\set owner_password `cat :'owner_file'`
\set role_password `cat :'role_file'`
SET log_statement = 'none';
SET password_encryption = 'scram-sha-256';
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"role" LOGIN PASSWORD :'role_password';
CREATE DATABASE :"database" OWNER :"owner" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"role";
SQL
done
