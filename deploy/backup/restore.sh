#!/bin/sh
# shellcheck source-path=SCRIPTDIR
# An archive of backup.sh -> the database and the keys of SPIRE servers, on the places that their server.conf names. All of the archive and of the
# target is checked before anything is touched. See README.md.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=archive.sh
. "$here/archive.sh"

usage='usage: restore.sh --archive FILE --server NAME=CONF [--server NAME=CONF ...] [--identity FILE] [--sha256 SUM] [--trust-domain NAME]
                  [--only database|keys] [--force] [--owner USER[:GROUP]] [--check] [--spire-server PROGRAM]
       restore.sh --archive FILE --config-to DIR [--identity FILE] [--sha256 SUM] [--trust-domain NAME]

  --server        a server on this machine under the name that it has in the backup, and its server.conf; it must not run
  --identity      the file of the age identity that can read the archive; GnuPG finds its keys itself
  --sha256        what backup.sh said of the archive: the one thing that shows that nobody made another one
  --trust-domain  that it has to be of; the one in server.conf is compared anyway
  --only          the database alone, or the keys alone: for the second server on another machine
  --force         what is there is replaced; files are kept beside it, a database is not
  --owner         who gets the files; default: for root, whoever owns their folder
  --check         everything is checked and nothing is done
  --config-to     no restore: server.conf and certificates of the backup go into a new folder, for you to put in place'

spire_server=spire-server servers='' archive='' identity='' wanted_sum='' wanted_domain='' only='' force=no owner='' check=no config_to=''
while [ $# -gt 0 ]; do
  case $1 in
    --archive) need_value "$1" $# && archive=$2 && shift ;;
    --server) need_value "$1" $# && servers="$servers$2
" && shift ;;
    --identity) need_value "$1" $# && identity=$2 && shift ;;
    --sha256) need_value "$1" $# && wanted_sum=$2 && shift ;;
    --trust-domain) need_value "$1" $# && wanted_domain=$2 && shift ;;
    --only) need_value "$1" $# && only=$2 && shift ;;
    --force) force=yes ;;
    --owner) need_value "$1" $# && owner=$2 && shift ;;
    --check) check=yes ;;
    --config-to) need_value "$1" $# && config_to=$2 && shift ;;
    --spire-server) need_value "$1" $# && spire_server=$2 && shift ;;
    -h | --help)
      say "$usage"
      exit 0
      ;;
    *) end "$USAGE" "there is no option $1" 'restore.sh --help' ;;
  esac
  shift
done
[ -n "$archive" ] || end "$USAGE" 'no --archive is given' 'restore.sh --help'
case $only in '' | database | keys) ;; *) end "$USAGE" "--only wants database or keys, not $only" ;; esac
if [ -n "$config_to" ]; then
  [ -z "$servers" ] || end "$USAGE" '--config-to and --server exclude each other' 'first the configuration, then the restore'
  [ ! -e "$config_to" ] || end "$REFUSED" "$config_to is there already" 'name a new folder'
elif [ -z "$servers" ]; then
  end "$USAGE" 'no --server is given' 'restore.sh --help'
fi

open_stage
open_archive
[ "${wanted_domain:-$archived_domain}" = "$archived_domain" ] || refuse "it is of the trust domain $archived_domain, not of $wanted_domain"

if [ -n "$config_to" ]; then
  show_archive
  mkdir "$config_to" && cp -R "$content/servers/." "$config_to/"
  find "$config_to" -name keys.json -exec rm {} \;
  say 'They were at:'
  sed -n 's/^place servers\///p' "$manifest" | while read -r path original; do say "  $config_to/$path  $original"; done
  exit 0
fi

need_spire
stamp=$(date -u +%Y%m%dT%H%M%SZ)

# each_server COMMAND: runs it with what read_server sets, in this shell.
each_server() {
  remaining=$servers
  while [ -n "$remaining" ]; do
    read_server "${remaining%%
*}"
    remaining=${remaining#*
}
    "$1"
  done
}

# The second number of a version alone says whether a database fits: a server never runs on that of a newer one.
older() {
  [ "${1%%.*}" -lt "${2%%.*}" ] && return 0
  [ "${1%%.*}" -eq "${2%%.*}" ] || return 1
  mine=${1#*.} theirs=${2#*.}
  [ "$(printf %s "${mine%%.*}" | tr -cd 0-9)" -lt "$(printf %s "${theirs%%.*}" | tr -cd 0-9)" ]
}
if older "$version" "$(said spire)"; then refuse "it was made by SPIRE $(said spire), and this server is the older $version"; fi

first_database=''
look() {
  [ "$trust_domain" = "$archived_domain" ] || refuse "it is of the trust domain $archived_domain, and $conf is of $trust_domain"
  kind=$(sed -n "s/^server $name //p" "$manifest")
  [ -n "$kind" ] || refuse "it has no server $name, only $(sed -n 's/^server \([^ ]*\) .*/\1/p' "$manifest" | tr '\n' ' ')"
  [ "$kind" = "$keys" ] || refuse "its keys of $name are in '$kind', and $conf has KeyManager '$keys'"
  [ "$database" = "$archived_database" ] || refuse "its database is of the type $archived_database, and $conf has $database"
  [ "${first_database:-$sqlite_path$conninfo}" = "$sqlite_path$conninfo" ] || end "$CONFIG" "$conf has another database than another server"
  first_database=$sqlite_path$conninfo
  if answers "$socket"; then end "$REFUSED" "$name runs: something is behind $socket" 'stop the server; nothing was touched'; fi
  if [ "$only" != database ] && [ "$keys" = disk ]; then must_be_free "$keys_path"; fi
}

# must_be_free FILE
must_be_free() {
  if [ -d "$1" ]; then end "$REFUSED" "$1 is a folder" 'nothing was touched'; fi
  if [ -e "$1" ] || [ -L "$1" ]; then [ "$force" = yes ] || end "$REFUSED" "$1 is there already" 'nothing was touched; --force replaces it, and keeps it beside'; fi
}

ask() {
  psql --no-password --no-psqlrc --quiet --tuples-only --no-align --dbname="$conninfo" --command="$1" 2>"$stage/said" ||
    end "$FAILED" "the database does not answer: $(tail -n 1 "$stage/said")" 'nothing was touched'
}
others="SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()"

look_at_database() {
  if [ "$database" = sqlite3 ]; then
    for part in '' -wal -shm; do must_be_free "$sqlite_path$part"; done
    return 0
  fi
  # The connections of a server that was killed are closed a moment after it.
  tries=5
  open=$(ask "$others")
  while [ "$open" -gt 0 ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || end "$REFUSED" "$open other connections to the database are open: a server still runs" 'stop every server of this database; nothing was touched'
    sleep 1
    open=$(ask "$others")
  done
  tables=$(ask "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'S')")
  [ "$tables" -eq 0 ] || [ "$force" = yes ] || end "$REFUSED" 'the database is not empty' 'nothing was touched; --force replaces all that is in it'
}
each_server look
[ "$only" = keys ] || look_at_database
show_archive
if [ "$check" = yes ]; then
  say 'nothing stands against it; nothing was done'
  exit 0
fi

# From here on the target is touched. New files first lie beside the places that they are for.
staged=''
before_leaving() {
  printf %s "$staged" | while IFS= read -r path; do rm -f "$path.restoring"; done
}

# put_beside SOURCE TARGET
put_beside() {
  folder=$(dirname "$2")
  if [ ! -d "$folder" ]; then
    # The folder is its owner's alone; what is above it has to let the owner through.
    { (umask 022 && mkdir -p "$(dirname "$folder")") && mkdir "$folder"; } || end "$FAILED" "$folder cannot be made"
    [ -z "$owner" ] || chown "$owner" "$folder"
  fi
  staged="$staged$2
"
  { rm -f "$2.restoring" && cat "$1" >"$2.restoring"; } || end "$FAILED" "$2.restoring cannot be written" 'nothing was replaced'
  [ "$(sum_of "$2.restoring")" = "$(sum_of "$1")" ] || end "$FAILED" "$2.restoring is not what was written" 'nothing was replaced'
  if [ -n "$owner" ]; then
    chown "$owner" "$2.restoring"
  elif [ "$(id -u)" -eq 0 ]; then
    chown "$(find "$folder" -prune -exec ls -ldn {} \; | awk '{ print $3 ":" $4 }')" "$2.restoring"
  fi
  to_disk "$2.restoring"
}

prepare_keys() { [ "$keys" != disk ] || put_beside "$content/servers/$name/keys.json" "$keys_path"; }

# replace TARGET: by what lies beside it.
replace() {
  if [ -e "$1" ]; then mv "$1" "$1.before-$stamp" && say "kept          $1.before-$stamp"; fi
  mv "$1.restoring" "$1"
}
replace_keys() {
  [ "$keys" = disk ] || return 0
  replace "$keys_path"
  say "restored      the keys of $name: $keys_path"
}

replace_sqlite() {
  # What is left in the write-ahead log of the old database must not get into the new one.
  for part in -wal -shm; do
    if [ -e "$sqlite_path$part" ]; then mv "$sqlite_path$part" "$sqlite_path.before-$stamp$part"; fi
  done
  replace "$sqlite_path"
  say "restored      the database: $sqlite_path"
}

# One transaction: all of it or nothing. It looks once more that nobody else is connected, and counts what it put in.
restore_postgres() {
  {
    say "SET lock_timeout = '10s';"
    say "DO \$\$ BEGIN IF ($others) > 0 THEN RAISE EXCEPTION 'another connection to the database is open'; END IF; END \$\$;"
    if [ "$force" = yes ]; then
      say "DO \$\$ DECLARE each record; BEGIN FOR each IN SELECT c.oid::pg_catalog.regclass AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') LOOP EXECUTE 'DROP TABLE ' || each.name || ' CASCADE'; END LOOP; END \$\$;"
    fi
    cat "$stage/database.sql"
    say "DO \$\$ BEGIN IF (SELECT count(*) FROM public.registered_entries) <> $(said entries) OR (SELECT count(*) FROM public.attested_node_entries) <> $(said agents) THEN RAISE EXCEPTION 'what was restored is not what the manifest counts'; END IF; END \$\$;"
  } >"$stage/restore.sql"
  psql --no-password --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction --dbname="$conninfo" --file="$stage/restore.sql" >/dev/null 2>"$stage/said" ||
    end "$FAILED" "the database cannot be restored: $(grep -E 'ERROR|FATAL|error' "$stage/said" | head -n 1)" 'nothing was replaced'
  say "restored      the database, in one transaction"
}

[ "$only" = database ] || each_server prepare_keys
if [ "$only" != keys ]; then
  case $database in
    sqlite3)
      put_beside "$content/database.sqlite3" "$sqlite_path"
      replace_sqlite
      ;;
    postgres) restore_postgres ;;
  esac
fi
[ "$only" = database ] || each_server replace_keys
staged=''

say "next          start the servers. Agents that were attested after $(said time) attest again by themselves (x509pop, k8s_psat);"
say "              entries made since are gone, and entries deleted and agents banned since are back: ephemos entries diff -f entries.yaml --prune"
