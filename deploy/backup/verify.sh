#!/bin/sh
# shellcheck source-path=SCRIPTDIR
# An archive of backup.sh -> what is in it, when all of it is as it was written; nothing is restored. See README.md.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=archive.sh
. "$here/archive.sh"

usage='usage: verify.sh --archive FILE [--identity FILE] [--sha256 SUM] [--trust-domain NAME]

  --identity      the file of the age identity that can read it; GnuPG finds its keys itself
  --sha256        what backup.sh said of the archive: the one thing that shows that nobody made another one
  --trust-domain  that it has to be of'

archive='' identity='' wanted_sum='' wanted_domain=''
while [ $# -gt 0 ]; do
  case $1 in
    --archive) need_value "$1" $# && archive=$2 && shift ;;
    --identity) need_value "$1" $# && identity=$2 && shift ;;
    --sha256) need_value "$1" $# && wanted_sum=$2 && shift ;;
    --trust-domain) need_value "$1" $# && wanted_domain=$2 && shift ;;
    -h | --help)
      say "$usage"
      exit 0
      ;;
    *) end "$USAGE" "there is no option $1" 'verify.sh --help' ;;
  esac
  shift
done
[ -n "$archive" ] || end "$USAGE" 'no --archive is given' 'verify.sh --help'

open_stage
open_archive
[ "${wanted_domain:-$archived_domain}" = "$archived_domain" ] || refuse "it is of the trust domain $archived_domain, not of $wanted_domain"
show_archive
say 'it is whole'
