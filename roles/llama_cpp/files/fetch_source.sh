#!/bin/bash
# fetch_source.sh git URL TAG COMMIT DESTINATION
# fetch_source.sh archive URL SHA256 SUBDIRECTORY DESTINATION
#
# DESTINATION exists only when the source in it is whole and verified: everything happens in a folder beside it, which
# is renamed at the end and thrown away at the start, so a killed run leaves nothing that a later one would trust.
set -euo pipefail

kind=$1 url=$2 destination=${*: -1}
partial=$destination.partial

fail() {
    echo "$1" >&2
    exit 1
}

from_git() {
    local tag=$1 commit=$2 found
    git -c init.defaultBranch=rocmox init --quiet "$partial"
    # A full commit id can be fetched directly from GitHub; the tag is what every server offers.
    git -C "$partial" fetch --quiet --depth 1 "$url" "refs/tags/$tag" || fail "$url: tag $tag cannot be fetched (see above)."
    git -C "$partial" -c advice.detachedHead=false checkout --quiet FETCH_HEAD
    found=$(git -C "$partial" rev-parse HEAD)
    [ "$found" = "$commit" ] || fail "$url: tag $tag is commit $found, expected $commit. The tag was moved or llama_cpp_commit is wrong; nothing was built."
}

from_archive() {
    local sha256=$1 subdirectory=$2 archive components
    archive=$(dirname "$destination")/../downloads/$sha256
    if [ ! -f "$archive" ]; then
        curl --fail --location --silent --show-error --retry 3 --continue-at - --output "$archive.partial" "$url" || fail "$url: download failed (see above)."
        if ! echo "$sha256  $archive.partial" | sha256sum --check --status; then
            found=$(sha256sum <"$archive.partial" | cut -d' ' -f1)
            rm -f "$archive.partial"
            fail "$url: SHA-256 is $found, expected $sha256. Another file is served there or llama_cpp_archive_sha256 is wrong; nothing was built."
        fi
        mv "$archive.partial" "$archive"
    fi
    mkdir -p "$partial"
    if [ -n "$subdirectory" ]; then
        components=$(awk -F/ '{print NF}' <<<"$subdirectory")
        tar --extract --no-same-owner --file "$archive" --directory "$partial" --strip-components "$components" "$subdirectory"
    else
        tar --extract --no-same-owner --file "$archive" --directory "$partial" --strip-components 1
    fi
    rm -f "$archive"
}

rm -rf "$partial"
if [ "$kind" = git ]; then
    from_git "$3" "$4"
else
    from_archive "$3" "$4"
fi
[ -f "$partial/ggml/CMakeLists.txt" ] || fail "$url: no ggml/CMakeLists.txt in what was fetched: not a llama.cpp tree (llama_cpp_source_subdirectory?)."
sync -f "$partial"
rm -rf "$destination"
mv "$partial" "$destination"
