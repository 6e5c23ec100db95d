# Sourced by bench-ann.sh and bench-peers.sh, which name `here` and `bench` before: shows their help, makes an environment for peers in
# `bench`, and installs peers there, each by itself, so that one that cannot be installed leaves the others.

shared=${PAPERKIN_SHARED:-$here/../../shared}
python=$bench/venv/bin/python

case " $* " in *" --help "* | *" -h "*)
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
  exit
  ;;
esac

source "$here/setup.sh"
mkdir -p "$bench"
[ -x "$python" ] || { step "environment in $bench"; python3 -m venv "$bench/venv"; }

# One package, or a line of several that belong together; once.
install_peer() {
  local stamp=$bench/installed-${1// /-}
  [ -e "$stamp" ] && return
  step "install $1"
  # shellcheck disable=SC2086
  if timeout 1800 "$python" -m pip install -q $1 >&2; then
    touch "$stamp"
  else
    echo "$(basename "$0" .sh): not installed: $1" >&2
  fi
}
