#!/bin/sh
# shellcheck source-path=SCRIPTDIR
# Running SPIRE servers -> one archive from which they can be restored: database, keys, configuration, trust bundle. See README.md.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=archive.sh
. "$here/archive.sh"

usage='usage: backup.sh --server NAME=CONF [--server NAME=CONF ...] --out DIR
                 (--recipient RECIPIENT ... | --recipients-file FILE | --gpg-recipient KEY | --unencrypted)
                 [--keep N] [--with-upstream-key] [--spire-server PROGRAM]

  --server            a server on this machine, and its server.conf
  --out               the folder that gets the archive; it has to be there
  --recipient         who can read it: age1... or an ssh key (age); --recipients-file is a file of them
  --gpg-recipient     the same with GnuPG
  --unencrypted       whoever reads the archive can sign identities
  --keep              older archives of the same servers are removed until N are left
  --with-upstream-key also the private key of UpstreamAuthority "disk", which lives longer than those of the servers
  --spire-server      default: spire-server on PATH

The password of the database is taken from the variable that the connection_string names, from PGPASSWORD or from a password file of PostgreSQL.'

spire_server=spire-server out='' keep='' encryption='' upstream_key=no
servers='' recipients=''

# choose TOOL: one way to encrypt, or loudly none.
choose() {
  [ "${encryption:-$1}" = "$1" ] || end "$USAGE" 'age, GnuPG and --unencrypted exclude each other' 'give one of them'
  encryption=$1
}
while [ $# -gt 0 ]; do
  case $1 in
    --server) need_value "$1" $# && servers="$servers$2
" && shift ;;
    --out) need_value "$1" $# && out=$2 && shift ;;
    --recipient | --recipients-file) need_value "$1" $# && recipients="$recipients$1
$2
" && choose age && shift ;;
    --gpg-recipient) need_value "$1" $# && recipients=$2 && choose gpg && shift ;;
    --unencrypted) choose none ;;
    --keep) need_value "$1" $# && keep=$2 && shift ;;
    --with-upstream-key) upstream_key=yes ;;
    --spire-server) need_value "$1" $# && spire_server=$2 && shift ;;
    -h | --help)
      say "$usage"
      exit 0
      ;;
    *) end "$USAGE" "there is no option $1" 'backup.sh --help' ;;
  esac
  shift
done
[ -n "$servers" ] || end "$USAGE" 'no --server is given' 'backup.sh --help'
[ -n "$out" ] || end "$USAGE" 'no --out is given' 'backup.sh --help'
{ [ -d "$out" ] && [ -w "$out" ]; } || end "$CONFIG" "$out is no folder that can be written to"
case $keep in *[!0-9]* | 0) end "$USAGE" '--keep wants a number from 1 on' ;; esac
case $encryption in
  age) suffix=.backup.age && need age 'install age (https://age-encryption.org): an encrypted backup was asked for, and none is made' ;;
  gpg) suffix=.backup.gpg && need gpg 'install GnuPG: an encrypted backup was asked for, and none is made' ;;
  none) suffix=.backup ;;
  '') end "$USAGE" 'it is not said who may read the backup' 'give --recipient, or --unencrypted' ;;
esac

open_stage
unfinished=''
before_leaving() { [ -z "$unfinished" ] || rm -f "$unfinished"; }
need_spire
content=$stage/content
manifest=$content/manifest
mkdir -p "$content/servers"
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)

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

label='' first_domain='' first_database=''
look() {
  [ "${first_domain:-$trust_domain}" = "$trust_domain" ] || end "$CONFIG" "$conf is of the trust domain $trust_domain, and another server of $first_domain"
  [ "${first_database:-$database $sqlite_path$conninfo}" = "$database $sqlite_path$conninfo" ] || end "$CONFIG" "$conf has another database than another server"
  case +$label+ in *"+$name+"*) end "$USAGE" "there are two servers with the name $name" ;; esac
  first_domain=$trust_domain first_database="$database $sqlite_path$conninfo"
  label=${label:+$label+}$name
  [ "$keys" != disk ] || [ -r "$keys_path" ] || end "$CONFIG" "the keys of $name cannot be read: $keys_path" 'run this as the user that SPIRE runs as'
  "$spire_server" bundle show -socketPath "$socket" >"$content/bundle.pem" 2>"$stage/said" ||
    end "$FAILED" "$name does not answer on $socket: $(tail -n 1 "$stage/said")" 'a backup is taken of servers that run'
  "$spire_server" bundle show -format spiffe -socketPath "$socket" >"$content/bundle.spiffe.json" 2>"$stage/said" || end "$FAILED" "$name does not show its bundle"
}
each_server look
need_database_tools "$database"
archived_database=$database
archived_domain=$trust_domain

copy_keys() {
  mkdir -p "$content/servers/$name"
  [ "$keys" != disk ] || cat "$keys_path" >"$content/servers/$name/keys.json"
}

# A server that rotates its authority writes keys and database one after the other: both are of one moment when the keys stayed the same meanwhile.
same_keys=yes
compare_keys() {
  [ "$keys" != disk ] || cmp -s "$keys_path" "$content/servers/$name/keys.json" || same_keys=no
}

dump_database() {
  rm -f "$content/$(database_file)"
  case $database in
    # A plain copy of the file would miss what is in the write-ahead log.
    sqlite3)
      [ -r "$sqlite_path" ] || end "$CONFIG" "the database cannot be read: $sqlite_path"
      sqlite "$sqlite_path" "VACUUM INTO '$content/database.sqlite3'" 2>"$stage/said" || end "$FAILED" "the database cannot be copied: $(tail -n 1 "$stage/said")"
      ;;
    postgres)
      pg_dump --no-password --format=custom --no-owner --no-privileges --lock-wait-timeout=30000 --file="$content/database.dump" --dbname="$conninfo" 2>"$stage/said" ||
        end "$FAILED" "the database cannot be dumped: $(tail -n 1 "$stage/said")"
      ;;
  esac
}

tries=3
while :; do
  each_server copy_keys
  dump_database
  same_keys=yes
  each_server compare_keys
  [ "$same_keys" = no ] || break
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || end "$FAILED" 'the keys of a server changed again and again while the database was copied' 'try again in a minute'
done

count_rows() {
  case $database in
    sqlite3)
      entries=$(sqlite -readonly "$content/database.sqlite3" 'SELECT count(*) FROM registered_entries')
      agents=$(sqlite -readonly "$content/database.sqlite3" 'SELECT count(*) FROM attested_node_entries')
      ;;
    postgres)
      pg_restore --data-only -f "$stage/rows.sql" "$content/database.dump" 2>"$stage/said" || end "$FAILED" "the dump cannot be read: $(tail -n 1 "$stage/said")"
      entries=$(rows_of registered_entries "$stage/rows.sql" | wc -l | tr -d ' ')
      agents=$(rows_of attested_node_entries "$stage/rows.sql" | wc -l | tr -d ' ')
      rm "$stage/rows.sql"
      ;;
  esac
}
count_rows
{
  say "format $FORMAT"
  say "time $started"
  say "trust_domain $trust_domain"
  say "spire $version"
  say "database $database"
  say "entries $entries"
  say "agents $agents"
} >"$manifest"

# copy_file PATH NAME: into the part of this server, with the place that it has on the machine.
copy_file() {
  { [ -n "$1" ] && [ -r "$1" ]; } || return 0
  cat "$1" >"$content/servers/$name/$2"
  say "place servers/$name/$2 $1" >>"$manifest"
}

copy_config() {
  say "server $name $keys" >>"$manifest"
  copy_file "$conf" server.conf
  copy_file "$(conf_path "$conf" cert_file_path)" upstream.crt
  copy_file "$(conf_path "$conf" bundle_file_path)" upstream-roots.pem
  copy_file "$(conf_path "$conf" ca_bundle_path)" nodes.crt
  copy_file "$roots" database-roots.crt
  [ "$upstream_key" = no ] || copy_file "$(conf_path "$conf" key_file_path)" upstream.key
}
each_server copy_config

(cd "$content" && find . -type f ! -path ./manifest | sed 's|^\./||' | sort) >"$stage/paths"
while IFS= read -r path; do
  say "sha256 $(sum_of "$content/$path") $(size_of "$content/$path") $path" >>"$manifest"
done <"$stage/paths"
# What restore.sh would refuse is no backup.
archive='what was copied'
check_content
# Their names are ours, without blanks; BusyBox knows neither another way to name them nor another format.
# shellcheck disable=SC2046
set -- manifest $(cat "$stage/paths")
tar -c -f "$stage/tar" --format=ustar -C "$content" "$@" 2>/dev/null || tar -c -f "$stage/tar" -C "$content" "$@" 2>"$stage/said" ||
  end "$FAILED" "the archive cannot be written: $(tail -n 1 "$stage/said")"
{ printf 'spire-backup %s %s\n' "$FORMAT" "$(sum_of "$stage/tar")" && cat "$stage/tar"; } >"$stage/plain"

final=$out/spire-$trust_domain-$label-$(printf %s "$started" | tr -d ':-')$suffix
[ ! -e "$final" ] || end "$FAILED" "$final is there already" 'another backup was taken in the same second'
unfinished=$out/.$(basename "$final").$$
encrypt() {
  case $encryption in
    none) cat "$stage/plain" ;;
    gpg) gpg --batch --quiet --no-tty --trust-model always --encrypt --recipient "$recipients" <"$stage/plain" ;;
    age)
      set --
      while [ -n "$recipients" ]; do
        option=${recipients%%
*}
        recipients=${recipients#*
}
        set -- "$@" "$option" "${recipients%%
*}"
        recipients=${recipients#*
}
      done
      age --encrypt "$@" <"$stage/plain"
      ;;
  esac
}
encrypt >"$unfinished" 2>"$stage/said" || end "$FAILED" "the archive cannot be written: $(reason)"
to_disk "$unfinished"
mv "$unfinished" "$final"
unfinished=''

show_archive
say "archive       $final ($(size_of "$final") bytes)"
say "SHA-256       $(sum_of "$final")"
if [ "$encryption" = none ]; then
  {
    say 'warning: THIS ARCHIVE IS NOT ENCRYPTED, and holds the keys that sign identities.'
    say "warning: whoever reads $final can be every service of $trust_domain."
  } >&2
fi

if [ -n "$keep" ]; then
  # The time in the name sorts as it passes. Only names that are made here are looked at.
  find "$out" -maxdepth 1 -type f | grep -E "/spire-$(printf %s "$trust_domain-$label" | sed 's/[.+]/\\&/g')-[0-9]{8}T[0-9]{6}Z\.backup(\.age|\.gpg)?\$" | sort -r | tail -n +$((keep + 1)) |
    while IFS= read -r old; do
      rm -f "$old"
      say "removed       $old"
    done
fi
