# Installs the Debian packages that a tool needs, or names them where it may not. Sourced by tools.
#
#   need_packages PACKAGE...

need_packages() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing: ${missing[*]}"
    # A server package must not start its own service here: these are started by hand, on loopback.
    local policy=/usr/sbin/policy-rc.d
    local made_policy=no
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy" && made_policy=yes
    fi
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
      > /tmp/cairn-install.log 2>&1 || { cat /tmp/cairn-install.log >&2; return 1; }
    [ "$made_policy" = yes ] && rm -f "$policy"
    return 0
  fi
  echo "these Debian packages are needed: ${missing[*]}" >&2
  echo "install them with: sudo apt-get install ${missing[*]}" >&2
  return 1
}

need_swift() {
  command -v swift >/dev/null && return 0
  echo "Swift 6.3 is needed: see https://www.swift.org/install/linux/" >&2
  return 1
}

# What every build of Cairn needs.
BUILD_PACKAGES=(libcurl4-openssl-dev libssl-dev)
# What its tests, demo and benchmarks start.
SERVER_PACKAGES=(docker-registry nginx-light python3 openssl curl ca-certificates)
