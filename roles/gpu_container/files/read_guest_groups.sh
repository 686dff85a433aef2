#!/bin/sh
# Prints "VMID name:x:gid:members" for the groups render and video of each given guest that runs and carries the tag
# rocmox. With --create a missing group is added first, as Debian's and Ubuntu's udev packages do.
# A guest that is gone, stopped or without the group is no error here: it prints nothing, and the plan says what it lacks.
set -eu

create=no
if [ "${1:-}" = "--create" ]; then
    create=yes
    shift
fi

read_groups() {
    lxc-attach --clear-env -n "$1" -- /usr/bin/getent group render video </dev/null || true
}

for vmid in "$@"; do
    # Snapshots follow the configuration in sections of their own.
    tags=$(sed -n -e '/^\[/q' -e 's/^tags: *//p' "/etc/pve/lxc/$vmid.conf" 2>/dev/null || true)
    case ";$tags;" in
    *";rocmox;"*) ;;
    *) continue ;;
    esac
    [ "$(lxc-info -n "$vmid" -s -H 2>/dev/null || true)" = "RUNNING" ] || continue
    lines=$(read_groups "$vmid")
    for group in render video; do
        printf '%s\n' "$lines" | grep -q "^$group:" && continue
        [ "$create" = "no" ] || lxc-attach --clear-env -n "$vmid" -- /usr/sbin/groupadd --system "$group" </dev/null
    done
    [ "$create" = "no" ] || lines=$(read_groups "$vmid")
    [ -z "$lines" ] || printf '%s\n' "$lines" | sed "s/^/$vmid /"
done
