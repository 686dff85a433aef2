#!/bin/bash
# fetch_model.sh URL SHA256 DESTINATION
#
# Resumes an interrupted download, verifies, then renames: DESTINATION exists only when it is whole.
set -euo pipefail

url=$1 sha256=$2 destination=$3
partial=$destination.partial

verified() {
    [ -f "$partial" ] && echo "$sha256  $partial" | sha256sum --check --status
}

# A leftover that is already whole would make the server answer 416 to the resumed request.
if ! verified; then
    curl --fail --location --silent --show-error --retry 5 --continue-at - --output "$partial" "$url"
    if ! verified; then
        found=$(sha256sum <"$partial" | cut -d' ' -f1)
        rm -f "$partial"
        echo "$url: SHA-256 is $found, expected $sha256. Another file is served there or the model's sha256 is wrong." >&2
        exit 1
    fi
fi
chmod 0644 "$partial"
sync "$partial"
mv "$partial" "$destination"
