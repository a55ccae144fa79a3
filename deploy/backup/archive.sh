# shellcheck shell=sh disable=SC2154
# An archive, opened and checked: FILE -> $stage/content, whose every file the manifest names. Nothing outside $stage is written.
#
#   archive   = [ age or gpg of ] header tar
#   header    = "spire-backup 1 " SHA-256 of all that follows "\n"                               80 bytes
#   tar       = manifest and the files that it names, plain files only
#   manifest  = lines of a word and its values: format, time, trust_domain, spire, database, entries, agents, server NAME KEYMANAGER,
#               place PATH ORIGINAL, sha256 SUM SIZE PATH

FORMAT=1
HEADER_BYTES=80
MAX_FILES=500
MAX_MANIFEST_BYTES=262144

refuse() { end "$REFUSED" "$archive: $1" 'nothing was touched; take another backup'; }

# open_archive: $archive with $identity (a file of age, or nothing) and $wanted_sum (or nothing), into $stage.
open_archive() {
  { [ -f "$archive" ] && [ -r "$archive" ]; } || end "$CONFIG" "$archive cannot be read"
  content=$stage/content
  manifest=$content/manifest
  mkdir "$content"
  # What is checked is what is restored, whoever writes to the archive meanwhile.
  sealed=$stage/sealed
  cat "$archive" >"$sealed"
  if [ -n "$wanted_sum" ] && [ "$(sum_of "$sealed")" != "$wanted_sum" ]; then refuse 'it does not have the SHA-256 that was given'; fi
  decrypt
  check_header
  check_entries
  tar -x -o -f "$stage/tar" -C "$content" 2>/dev/null || refuse 'it cannot be unpacked'
  check_manifest
  check_files
  check_content
}

# first_bytes FILE COUNT: those of them that can be printed.
first_bytes() { dd if="$1" bs="$2" count=1 2>/dev/null | tr -cd ' -~'; }

decrypt() {
  case $(first_bytes "$sealed" 36) in
    spire-backup*)
      [ -z "$identity" ] || refuse 'it is not encrypted, although an identity was given'
      plain=$sealed
      ;;
    age-encryption.org/v1* | '-----BEGIN AGE ENCRYPTED FILE-----'*)
      [ -n "$identity" ] || end "$CONFIG" "$archive is encrypted" 'give the file of its age identity with --identity'
      need age 'install age: https://age-encryption.org'
      plain=$stage/plain
      age --decrypt -i "$identity" -o "$plain" "$sealed" 2>"$stage/said" || refuse "it cannot be decrypted with this identity: $(reason)"
      ;;
    *)
      case $archive in *.gpg) ;; *) refuse 'it is no backup of SPIRE' ;; esac
      need gpg 'install GnuPG'
      plain=$stage/plain
      gpg --batch --quiet --no-tty --output "$plain" --decrypt "$sealed" 2>"$stage/said" || refuse "it cannot be decrypted with the keys of this user: $(reason)"
      ;;
  esac
}

reason() { grep -v '^age: report' "$stage/said" | tail -n 1 | sed 's/^[a-z]*: *\(error: *\)\{0,1\}//'; }

check_header() {
  header=$(first_bytes "$plain" "$HEADER_BYTES")
  case $header in
    'spire-backup '*) ;;
    *) refuse 'it is no backup of SPIRE' ;;
  esac
  said=${header#spire-backup }
  sum=${said#* }
  [ "${said%% *}" = "$FORMAT" ] || refuse "it has the format '${said%% *}', and only $FORMAT is known here"
  printf 'spire-backup %s %s\n' "$FORMAT" "$sum" >"$stage/header"
  dd if="$plain" bs="$HEADER_BYTES" count=1 2>/dev/null | cmp -s - "$stage/header" || refuse 'its first line is damaged'
  tail -c +$((HEADER_BYTES + 1)) "$plain" >"$stage/tar"
  [ "$(sum_of "$stage/tar")" = "$sum" ] || refuse 'it is damaged or cut off: the SHA-256 in its first line is not that of the rest'
}

# Before anything is unpacked: plain files with plain names, each once.
check_entries() {
  tar -t -f "$stage/tar" >"$stage/names" 2>/dev/null || refuse 'it is no tar archive'
  tar -t -v -f "$stage/tar" >"$stage/long" 2>/dev/null || refuse 'it is no tar archive'
  [ -s "$stage/names" ] || refuse 'it is empty'
  count=$(wc -l <"$stage/names" | tr -d ' ')
  [ "$count" -le "$MAX_FILES" ] || refuse "it has $count entries, and more than $MAX_FILES are not taken"
  [ "$count" -eq "$(wc -l <"$stage/long" | tr -d ' ')" ] || refuse 'the names of its entries are not plain'
  if grep -v '^-' "$stage/long" >/dev/null || grep -E ' (->|link to) ' "$stage/long" >/dev/null; then
    refuse 'it has an entry that is no plain file (a link, a folder or a device)'
  fi
  if grep -E -v '^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$' "$stage/names" >/dev/null; then
    refuse "it has an entry with a name that leads elsewhere: $(grep -E -v '^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$' "$stage/names" | head -n 1)"
  fi
  [ -z "$(sort "$stage/names" | uniq -d)" ] || refuse 'it has an entry twice'
  grep -x manifest "$stage/names" >/dev/null || refuse 'it has no manifest'
}

# said WORD: what the manifest says once.
said() { sed -n "s/^$1 //p" "$manifest"; }

check_manifest() {
  [ "$(size_of "$manifest")" -le "$MAX_MANIFEST_BYTES" ] || refuse 'its manifest is too long'
  name_is='[A-Za-z0-9_][A-Za-z0-9._-]*'
  path_is="$name_is(/$name_is)*"
  bad=$(grep -E -v -n "^(format [0-9]+|time [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z|trust_domain [a-z0-9._-]+|spire [0-9]+\.[0-9]+[A-Za-z0-9.+_-]*|database (sqlite3|postgres)|(entries|agents) [0-9]+|server $name_is [a-z_]+|place $path_is /[ -~]*|sha256 [0-9a-f]{64} [0-9]+ $path_is)\$" "$manifest" | head -n 1 | cut -d : -f 1) || :
  [ -z "$bad" ] || refuse "line $bad of its manifest says nothing that is known"
  for word in format time trust_domain spire database entries agents; do
    [ "$(grep -c "^$word " "$manifest")" -eq 1 ] || refuse "its manifest does not say $word once"
  done
  [ "$(said format)" = "$FORMAT" ] || refuse "it has the format '$(said format)', and only $FORMAT is known here"
  grep '^server ' "$manifest" >/dev/null || refuse 'its manifest names no server'
  archived_domain=$(said trust_domain)
  archived_database=$(said database)
}

# What lies there is what the manifest names, and is as it says.
check_files() {
  { echo manifest; sed -n 's/^sha256 [0-9a-f]* [0-9]* //p' "$manifest"; } | sort >"$stage/named"
  sort "$stage/names" | cmp -s - "$stage/named" ||
    refuse "its files are not those that its manifest names: $(sort "$stage/names" | comm -3 - "$stage/named" | tr -d '\t' | head -n 1)"
  sed -n 's/^sha256 //p' "$manifest" | while read -r sum size path; do
    { [ "$(size_of "$content/$path")" = "$size" ] && [ "$(sum_of "$content/$path")" = "$sum" ]; } || refuse "$path is not what its manifest says"
  done || exit
}

# The files say themselves of which trust domain and which database they are.
check_content() {
  for file in bundle.pem bundle.spiffe.json "$(database_file)"; do
    [ -s "$content/$file" ] || refuse "it has no $file"
  done
  sed -n 's/^server //p' "$manifest" | while read -r server kind; do
    [ -s "$content/servers/$server/server.conf" ] || refuse "it has no server.conf of $server"
    [ "$(conf_values "$content/servers/$server/server.conf" trust_domain)" = "$archived_domain" ] ||
      refuse "the server.conf of $server is of another trust domain than its manifest"
    [ "$kind" != disk ] || check_keys "$server"
  done || exit
  need_database_tools "$archived_database"
  "check_$archived_database"
}

# check_keys SERVER: as KeyManager "disk" writes them.
check_keys() {
  file=$content/servers/$1/keys.json
  [ -s "$file" ] || refuse "it has no keys of $1"
  { grep '"keys"' "$file" && grep '"x509-CA-[AB]"' "$file"; } >/dev/null || refuse "the keys of $1 hold no authority"
}

database_file() {
  case $archived_database in
    sqlite3) printf database.sqlite3 ;;
    postgres) printf database.dump ;;
  esac
}

# must_say WHAT FOUND WANTED
must_say() { [ "$2" = "$3" ] || refuse "its database has $1 '$2', and its manifest says '$3'"; }

check_sqlite3() {
  file=$content/database.sqlite3
  [ "$(sqlite -readonly "$file" 'PRAGMA integrity_check' 2>/dev/null)" = ok ] || refuse 'its database is damaged'
  must_say 'the trust domain' "$(sqlite -readonly "$file" "SELECT trust_domain FROM bundles WHERE trust_domain = 'spiffe://$archived_domain'" 2>/dev/null)" "spiffe://$archived_domain"
  must_say entries "$(sqlite -readonly "$file" 'SELECT count(*) FROM registered_entries' 2>/dev/null)" "$(said entries)"
  must_say agents "$(sqlite -readonly "$file" 'SELECT count(*) FROM attested_node_entries' 2>/dev/null)" "$(said agents)"
}

# The dump is turned into the statements that restore.sh runs: one that cannot be read to its end ends here.
check_postgres() {
  pg_restore --no-owner --no-privileges -f "$stage/database.sql" "$content/database.dump" 2>"$stage/said" || refuse "its database cannot be read: $(tail -n 1 "$stage/said")"
  # psql would take a backslash outside of rows for a command of its own, and could run programs with it.
  if awk '/^\\(un)?restrict [A-Za-z0-9]+$/ { next } /^\\\.$/ { rows = 0; next } !rows && /\\/ { bad = 1 } /^COPY public\..* FROM stdin;$/ { rows = 1 } END { exit !bad }' "$stage/database.sql"; then
    refuse 'its database has statements that SPIRE never makes'
  fi
  rows_of bundles "$stage/database.sql" trust_domain | grep -F -x "spiffe://$archived_domain" >/dev/null || refuse "its database is not of the trust domain $archived_domain"
  must_say entries "$(rows_of registered_entries "$stage/database.sql" | wc -l | tr -d ' ')" "$(said entries)"
  must_say agents "$(rows_of attested_node_entries "$stage/database.sql" | wc -l | tr -d ' ')" "$(said agents)"
}

# rows_of TABLE SQL [COLUMN]: the lines of its data, or one column of them.
rows_of() {
  awk -F '\t' -v table="COPY public.$1 (" -v column="${3:-}" '
    /^\\\.$/ { inside = 0 }
    inside { print (place ? $place : $0) }
    index($0, table) == 1 {
      inside = 1
      names = substr($0, length(table) + 1)
      sub(/\).*/, "", names)
      count = split(names, name, ", ")
      for (i = 1; i <= count; i++) if (name[i] == column) place = i
    }' "$2"
}

# show_archive: what is in it, for people.
show_archive() {
  say "trust domain  $archived_domain"
  say "made          $(said time), by SPIRE $(said spire)"
  say "database      $archived_database: $(said entries) entries, $(said agents) agents"
  sed -n 's/^server //p' "$manifest" | while read -r server kind; do
    if [ "$kind" = disk ]; then say "server        $server, with its keys"; else say "server        $server, whose keys are in $kind and not here"; fi
  done
}
