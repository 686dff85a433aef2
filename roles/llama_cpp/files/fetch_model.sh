#!/bin/bash
# fetch_model.sh ADDRESS_FILE SHOWN SHA256 DESTINATION
#
# Resumes an interrupted download, verifies, then renames: DESTINATION exists only when it is whole. ADDRESS_FILE is a
# configuration of curl for this account's eyes alone (an address may hold a password, and every process of the guest can
# read a command line); it is removed. SHOWN is the address without what may be one.
set -euo pipefail

address_file=$1 shown=$2 sha256=$3 destination=$4
partial=$destination.partial
trap 'rm -f "$address_file"' EXIT

verified() {
    [ -f "$partial" ] && echo "$sha256  $partial" | sha256sum --check --status
}

# A leftover that is already whole would make the server answer 416 to the resumed request.
if ! verified; then
    curl --config "$address_file" --fail --location --silent --show-error --retry 5 --continue-at - --output "$partial"
    if ! verified; then
        found=$(sha256sum <"$partial" | cut -d' ' -f1)
        rm -f "$partial"
        echo "$shown: SHA-256 is $found, expected $sha256. Another file is served there or the model's sha256 is wrong." >&2
        exit 1
    fi
fi
chmod 0644 "$partial"
sync "$partial"
mv "$partial" "$destination"
