# shellcheck shell=sh disable=SC2034,SC2154
# What backup.sh, restore.sh and verify.sh share: how they end, which of the machine's programs they use, and what a server.conf says.
# POSIX sh, and only what Linux, macOS and the BSDs have.

LC_ALL=C
COPYFILE_DISABLE=1 # No AppleDouble files in archives that macOS makes.
export LC_ALL COPYFILE_DISABLE
umask 077

# Exit codes of every command of Ephemos.
FAILED=1 USAGE=2 CONFIG=3 REFUSED=4

# end CODE MESSAGE [HINT]
end() {
  printf 'error: %s\n' "$2" >&2
  [ $# -lt 3 ] || printf 'hint: %s\n' "$3" >&2
  exit "$1"
}

say() { printf '%s\n' "$*"; }

# need PROGRAM HINT
need() {
  command -v "$1" >/dev/null 2>&1 || end "$CONFIG" "there is no $1 on PATH" "$2"
}

# need_value OPTION COUNT: that an option is followed by something.
need_value() {
  [ "$2" -ge 2 ] || end "$USAGE" "$1 wants a value"
}

# sum_of FILE: its SHA-256 in hexadecimal.
sum_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$1" | cut -c 1-64
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 <"$1" | cut -c 1-64
  else
    openssl dgst -sha256 -r <"$1" | cut -c 1-64
  fi
}

size_of() { wc -c <"$1" | tr -d ' '; }

# to_disk FILE: not every sync takes a file.
to_disk() { sync "$1" 2>/dev/null || sync; }

# open_stage: a folder of our own, which goes when the script ends, however it ends.
open_stage() {
  stage=$(mktemp -d "${TMPDIR:-/tmp}/spire-backup.XXXXXX") || end "$FAILED" "no temporary folder can be made in ${TMPDIR:-/tmp}"
  trap 'leave' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# leave: a script says more by defining before_leaving.
leave() {
  code=$?
  before_leaving
  rm -rf "$stage"
  exit "$code"
}
before_leaving() { :; }

# conf_values FILE KEY: the distinct values of a key, a line each. Comments are passed over; nothing in the file is expanded.
conf_values() {
  awk -v key="$2" '
    {
      line = $0
      sub(/^[ \t]*(#|\/\/).*/, "", line)
      while (match(line, "(^|[ \t{;])" key "[ \t]*=[ \t]*\"[^\"]*\"")) {
        value = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        sub(/^[^"]*"/, "", value)
        sub(/"$/, "", value)
        if (!(value in seen)) { seen[value] = 1; print value }
      }
    }' "$1"
}

# conf_value FILE KEY: its one value, or nothing.
conf_value() {
  found=$(conf_values "$1" "$2")
  case $found in
    *'
'*) end "$CONFIG" "$1 says $2 more than once, and differently" ;;
    *\\*) end "$CONFIG" "$2 in $1 has a backslash, which is not understood here" ;;
  esac
  printf '%s' "$found"
}

# conf_path FILE KEY: the same for a path, which has to stand there as it is.
conf_path() {
  found=$(conf_value "$1" "$2") || exit
  case $found in
    *[!\ -~]*) end "$CONFIG" "$2 in $1 has letters outside ASCII" ;;
    '' | /*) printf '%s' "$found" ;;
    *\$*) end "$CONFIG" "$2 in $1 is taken from the environment" 'write the path itself' ;;
    *) end "$CONFIG" "$2 in $1 is relative: $found" 'write it from / on' ;;
  esac
}

# read_server NAME=CONF: sets name, conf, trust_domain, socket, keys (the kind of its KeyManager), keys_path, database, sqlite_path, conninfo, roots
# and PGPASSWORD from it.
read_server() {
  name=${1%%=*}
  conf=${1#*=}
  case $name in
    '' | *[!A-Za-z0-9._-]* | .* | -*) end "$USAGE" "--server wants NAME=CONF, with a name of letters, digits, '.', '_' and '-'" ;;
  esac
  [ "$name" != "$1" ] || end "$USAGE" "--server wants NAME=CONF" "for example --server spire-1=/etc/spire/server.conf"
  { [ -r "$conf" ] && [ -f "$conf" ]; } || end "$CONFIG" "$conf cannot be read"
  trust_domain=$(conf_value "$conf" trust_domain)
  case $trust_domain in
    '') end "$CONFIG" "$conf names no trust_domain" ;;
    *[!a-z0-9._-]*) end "$CONFIG" "the trust_domain in $conf is none: $trust_domain" ;;
  esac
  socket=$(conf_path "$conf" socket_path)
  [ -n "$socket" ] || socket=/tmp/spire-server/private/api.sock
  keys=$(sed -n 's/^[[:space:]]*KeyManager[[:space:]]*"\([a-z_]*\)".*/\1/p' "$conf" | head -n 1)
  keys_path=
  case $keys in
    '') end "$CONFIG" "$conf names no KeyManager" ;;
    memory) end "$CONFIG" "$conf keeps its keys in memory, where nothing can be backed up" 'use KeyManager "disk", or a key service' ;;
    disk)
      keys_path=$(conf_path "$conf" keys_path)
      [ -n "$keys_path" ] || end "$CONFIG" "$conf has no keys_path"
      ;;
  esac
  read_database
}

read_database() {
  database=$(conf_value "$conf" database_type)
  connection=$(conf_value "$conf" connection_string)
  sqlite_path='' conninfo='' roots=''
  case $database in
    sqlite3)
      sqlite_path=${connection#file:}
      sqlite_path=${sqlite_path%%\?*}
      case $sqlite_path in
        /*) ;;
        *) end "$CONFIG" "the connection_string in $conf is no path from / on: $connection" ;;
      esac
      ;;
    postgres) read_conninfo ;;
    *) end "$CONFIG" "$conf has database_type '$database'; sqlite3 and postgres can be backed up here" ;;
  esac
}

# The connection string of SPIRE is what libpq takes. The password is taken out of it: arguments of a program can be seen by everybody.
read_conninfo() {
  case $connection in
    *://*) end "$CONFIG" "the connection_string in $conf is a URL" "write it as 'dbname=.. user=.. password=\${..} host=.. sslmode=verify-full sslrootcert=..'" ;;
    *\'*) end "$CONFIG" "the connection_string in $conf has quotes, which are not understood here" ;;
  esac
  mode='' host=''
  set -f
  for word in $connection; do
    case $word in
      password=*) read_password "${word#password=}" ;;
      sslrootcert=*) roots=${word#*=} conninfo="$conninfo $word" ;;
      sslmode=*) mode=${word#*=} conninfo="$conninfo $word" ;;
      host=*) host=${word#*=} conninfo="$conninfo $word" ;;
      *) conninfo="$conninfo $word" ;;
    esac
  done
  set +f
  conninfo=${conninfo# }
  case $conninfo in
    *\$*) end "$CONFIG" "the connection_string in $conf takes more than the password from the environment" 'write the other parts themselves' ;;
  esac
  case $host:$mode in
    /*:* | *:verify-full) ;;
    *) end "$CONFIG" "the connection_string in $conf does not verify the database (sslmode=${mode:-not said})" 'use sslmode=verify-full and sslrootcert' ;;
  esac
}

read_password() {
  case $1 in
    "\${"*"}")
      variable=${1#??}
      variable=${variable%\}}
      ;;
    \$*) variable=${1#?} ;;
    *) variable='' ;;
  esac
  if [ -z "$variable" ]; then
    PGPASSWORD=$1
  elif ! PGPASSWORD=$(printenv "$variable"); then
    unset PGPASSWORD
    # A password file (PGPASSFILE, ~/.pgpass) will do.
    return 0
  fi
  export PGPASSWORD
}

# answers SOCKET: whether a server may be behind it. Only what says that nobody is there counts as no.
answers() {
  if "$spire_server" bundle show -socketPath "$1" >/dev/null 2>"$stage/answer"; then return 0; fi
  ! grep -E 'no such file or directory|connection refused' "$stage/answer" >/dev/null
}

# need_spire: the version of spire-server, as `version`.
need_spire() {
  need "$spire_server" 'name spire-server with --spire-server'
  version=$("$spire_server" --version 2>&1 | head -n 1 | tr -cd 'A-Za-z0-9.+_-')
  case $version in
    [0-9]*.[0-9]*) ;;
    *) end "$CONFIG" "$spire_server does not say its version" ;;
  esac
}

need_database_tools() {
  case $1 in
    sqlite3) need sqlite3 'install sqlite3: a plain copy of the file of a running server misses what is in its write-ahead log' ;;
    postgres) for tool in pg_dump pg_restore psql; do need "$tool" 'install the client programs of PostgreSQL, of the release of the server or newer'; done ;;
  esac
}

sqlite() { sqlite3 -batch -noheader -list -cmd '.timeout 10000' "$@"; }
