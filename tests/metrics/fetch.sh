#!/usr/bin/env bash
# Brings the public files that operators/syntax/tests/oracle/files.csv names into FOLDER/PACKAGE-VERSION, through the
# packages' own clients: pip, npm, and apt-get with lists of its own, so that the system's stay as they are.
# Usage: fetch.sh FOLDER. A file that is there with its digest is not fetched again; what cannot be had is said.
set -uo pipefail
folder=$(realpath -m "${1:?folder}")
table=$(cd "$(dirname "$0")/../.." && pwd)/operators/syntax/tests/oracle/files.csv
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

is_there() { [ -f "$folder/$1/$2" ] && [ "$(sha256sum <"$folder/$1/$2" | head -c 16)" = "$3" ]; }
files_of() { awk -F, -v package="$1" '$2 == package {print $5, $6}' "$table"; }

# take PACKAGE VERSION ARCHIVE: unpacks the files that are named, and no others.
take() {
  local target=$folder/$1-$2 path digest
  mkdir -p "$target"
  while read -r path digest; do
    case $3 in
      *.whl) python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])' "$3" "$path" "$target" ;;
      *) tar -xf "$3" -C "$target" --strip-components=1 --wildcards --no-wildcards-match-slash "*/$path" ;;
    esac
    is_there "$1-$2" "$path" "$digest" || { rm -f "$target/$path"; echo "$path of $1 is not the file that was recorded"; return 1; }
  done < <(files_of "$1")
}

# One update for all packages; only sources are asked for.
apt_sources() {
  apt=(-qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache")
  [ -d "$work/lists" ] && return 0
  mkdir -p "$work"/{parts,lists/partial,cache/archives/partial}
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >"$work/parts/own.list"
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed 's/^Types:.*/Types: deb-src/' >"$work/parts/own.sources"
  apt-get "${apt[@]}" update
}

# fetch PACKAGE VERSION SOURCE
fetch() {
  cd "$work" || return 1
  case $3 in
    PyPI) pip download -q --no-deps --only-binary :all: --disable-pip-version-check -d "$work" "$1==$2" && take "$1" "$2" "$work/$1-$2"-*.whl ;;
    npm) npm pack --silent "$1@$2" >/dev/null && take "$1" "$2" "$work/$1-$2.tgz" ;;
    "Debian source") apt_sources && apt-get "${apt[@]}" source --download-only "$1" && take "$1" "$2" "$work/${1}_$2".orig.tar.* ;;
  esac
}

while IFS=, read -r package version source; do
  missing=0
  while read -r path digest; do is_there "$package-$version" "$path" "$digest" || missing=1; done < <(files_of "$package")
  [ "$missing" -eq 0 ] || fetch "$package" "$version" "$source" 2>"$work/errors" ||
    { sed 's/^/  /' "$work/errors"; echo "$package $version cannot be had from: $source"; }
done < <(awk -F, 'NR > 1 {print $2 "," $3 "," $4}' "$table" | sort -u)
exit 0
