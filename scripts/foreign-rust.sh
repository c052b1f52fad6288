# Sourced by the scripts that build for other platforms. Debian 12's second toolchain (rustc-web) carries the standard
# library's sources, from which cargo builds it for any target; rustup's toolchain stays as it is.

FOREIGN=${SAMOVAR_FOREIGN_DIR:-${CARGO_TARGET_DIR:-$PWD/target}/foreign}
mkdir -p "$FOREIGN"

say() { printf '== %s\n' "$*"; }

# need PACKAGE...: installs what is missing (as root, or through sudo).
need() {
    local missing=() package sudo=
    for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    say "installing ${missing[*]}"
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_rust() { need rustc-web cargo-web rust-web-src; }

# foreign_cargo TARGET ARGS...: cargo of that toolchain, with the standard library built from source for the target.
foreign_cargo() {
    local target=$1 verb=$2
    shift 2
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc CARGO_TARGET_DIR="$FOREIGN/$target" \
        CARGO_PROFILE_DEV_DEBUG=line-tables-only \
        /usr/bin/cargo "$verb" -Zbuild-std=std,panic_unwind,test --target "$target" "$@"
}
