# Installs the Debian packages that a tool needs, or names them where it may not. Sourced by tools.
#
#   need_packages PACKAGE...

need_packages() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing: ${missing[*]}"
    install_packages "${missing[@]}"
    return
  fi
  echo "these Debian packages are needed: ${missing[*]}" >&2
  echo "install them with: sudo apt-get install ${missing[*]}" >&2
  return 1
}

# In a subshell, so that its trap cleans up whatever way it ends.
install_packages() (
  log=$(mktemp)
  policy=/usr/sbin/policy-rc.d
  made_policy=no
  trap 'rm -f "$log"; [ "$made_policy" = no ] || rm -f "$policy"' EXIT
  # Server packages must not start services of their own: these are started by hand, on loopback.
  if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
  fi
  apt-get update -qq > "$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >> "$log" 2>&1 ||
    { cat "$log" >&2; exit 1; }
  for service in nginx docker-registry; do
    case " $* " in
      *" $service"*) systemctl disable "$service" > /dev/null 2>&1 || true ;;
    esac
  done
)

need_swift() {
  command -v swift >/dev/null && return 0
  echo "Swift 6.3 is needed: see https://www.swift.org/install/linux/" >&2
  return 1
}

# What every build of Cairn needs.
BUILD_PACKAGES=(libcurl4-openssl-dev libsqlite3-dev libssl-dev zlib1g-dev)
# What its tests, demo and benchmarks start.
SERVER_PACKAGES=(docker-registry nginx-light python3 openssl curl ca-certificates)
