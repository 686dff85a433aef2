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

for vmid in "$@"; do
    # Snapshots follow the configuration in sections of their own.
    tags=$(sed -n -e '/^\[/q' -e 's/^tags: *//p' "/etc/pve/lxc/$vmid.conf" 2>/dev/null || true)
    case ";$tags;" in
    *";rocmox;"*) ;;
    *) continue ;;
    esac
    [ "$(lxc-info -n "$vmid" -s -H 2>/dev/null || true)" = "RUNNING" ] || continue
    for group in render video; do
        line=$(lxc-attach --clear-env -n "$vmid" -- /usr/bin/getent group "$group" </dev/null || true)
        if [ -z "$line" ] && [ "$create" = "yes" ]; then
            lxc-attach --clear-env -n "$vmid" -- /usr/sbin/groupadd --system "$group" </dev/null
            line=$(lxc-attach --clear-env -n "$vmid" -- /usr/bin/getent group "$group" </dev/null)
        fi
        [ -z "$line" ] || printf '%s %s\n' "$vmid" "$line"
    done
done
