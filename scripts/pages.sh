# Sourced by test.sh: tests/pages in Debian's Chromium. What is missing CI installs or fails; others are told, since a browser is large.

missing=()
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=(chromium)
# 20 or newer.
node -e 'process.exitCode = parseInt(process.versions.node) < 20 ? 1 : 0' 2>/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
# Without it Korean, Chinese and Japanese are boxes, which a picture shows and a test does not.
[ -n "$(fc-list :lang=ko family 2>/dev/null)" ] || missing+=(fontconfig fonts-noto-cjk)

if [ ${#missing[@]} -gt 0 ] && [ -n "${CI:-}" ]; then
  for package in "${missing[@]}"; do add_package "$package"; done
  missing=()
fi
if [ ${#missing[@]} -gt 0 ]; then
  cat >&2 <<TOLD
NOT TESTED: the pages in a browser. Missing: ${missing[*]}
On Debian: apt-get install ${missing[*]}; elsewhere CHROMIUM names the browser. CI always tests them.
TOLD
else
  modules=tests/pages/node_modules
  if ! cmp -s tests/pages/package-lock.json "$modules/installed"; then
    npm ci --prefix tests/pages --no-audit --no-fund
    cp tests/pages/package-lock.json "$modules/installed"
  fi
  node --test-reporter spec tests/pages/run.mjs
fi
