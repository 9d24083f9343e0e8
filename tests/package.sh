#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: package.sh BUILD
#
# Makes the Debian package in a build folder, as BUILD/package/memtuned.deb too, for the tests in booted guests. Checks that
# lintian finds no error in it, that it holds what it must, that the files an administrator edits are known as such, and
# that the sources of the unit and of D-Bus agree on the names by which they call each other.
set -euo pipefail
build=${1:?usage: package.sh BUILD}

fail() {
    echo "FAILED: $1"
    exit 1
}

for tool in dpkg-deb dpkg-shlibdeps lintian; do
    command -v $tool >/dev/null || {
        echo "skipped: $tool is not installed"
        exit 77
    }
done
cd -- "$build"
rm -rf package
cpack -G DEB >package.log || fail "cpack: $(cat package.log)"
mv package/memtuned_*.deb package/memtuned.deb
deb=package/memtuned.deb

lintian --allow-root --fail-on error "$deb" || fail "lintian finds errors"

has() { dpkg-deb -c "$deb" | awk '{ print $6 }' | grep -Fxq "./$1" || fail "$1 is not in the package"; }
for file in usr/sbin/memtuned usr/bin/memtunectl etc/memtuned/memtuned.toml etc/memtuned/rules/ \
    usr/lib/systemd/system/memtuned.service usr/share/dbus-1/system.d/org.memtuned1.conf \
    usr/share/dbus-1/system-services/org.memtuned1.service usr/share/dbus-1/interfaces/org.memtuned1.Manager.xml \
    usr/share/polkit-1/actions/org.memtuned1.policy usr/share/memtuned/rules/balanced.toml \
    usr/share/memtuned/rules/batch-host.toml usr/share/man/man8/memtuned.8.gz usr/share/man/man1/memtunectl.1.gz \
    usr/share/man/man5/memtuned.toml.5.gz usr/share/man/man5/memtuned-rules.5.gz \
    usr/share/bash-completion/completions/memtunectl usr/share/zsh/vendor-completions/_memtunectl \
    usr/share/fish/vendor_completions.d/memtunectl.fish; do
    has $file
done
if dpkg-deb -c "$deb" | grep -E '\.(hpp|a|cmake)$'; then fail "the library for other programs is in the package"; fi
content=$(mktemp -d)
trap 'rm -rf "$content"' EXIT
dpkg-deb -R "$deb" "$content"
[ "$(cat "$content/DEBIAN/conffiles")" = "$(cd "$content" && find etc -type f -printf '/%p\n')" ] ||
    fail "the conffiles are not the files of /etc: $(cat "$content/DEBIAN/conffiles")"

unit=$content/usr/lib/systemd/system/memtuned.service
alias=$(sed -n 's/^SystemdService=//p' "$content/usr/share/dbus-1/system-services/org.memtuned1.service")
grep -Fxq "Alias=$alias" "$unit" || fail "bus activation asks for $alias, which is no alias of the unit"
while read -r program; do has "${program#/}"; done < <(sed -nE 's/^Exec(Start|StopPost|Reload)=([^ ]*).*/\2/p' "$unit")
echo "the package is as it should be"
