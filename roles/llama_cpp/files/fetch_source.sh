#!/bin/bash
# fetch_source.sh git URL TAG COMMIT DESTINATION
# fetch_source.sh archive FILE SUBDIRECTORY DESTINATION
#
# DESTINATION exists only when the source in it is whole and verified: everything happens in a folder beside it, which
# is renamed at the end and thrown away at the start, so a killed run leaves nothing that a later one would trust.
# FILE is the archive that fetch_file.py has fetched and verified. URL holds no password: git shows it on command lines,
# so what it authenticates with stands in the environment (GIT_CONFIG_COUNT …).
set -euo pipefail

kind=$1 origin=$2 destination=${*: -1}
partial=$destination.partial
export GIT_TERMINAL_PROMPT=0

fail() {
    echo "$1" >&2
    exit 1
}

from_git() {
    local tag=$1 commit=$2 found
    git -c init.defaultBranch=rocmox init --quiet "$partial"
    # A full commit id can be fetched directly from GitHub; the tag is what every server offers.
    git -C "$partial" fetch --quiet --depth 1 "$origin" "refs/tags/$tag" || fail "$origin: tag $tag cannot be fetched (see above)."
    git -C "$partial" -c advice.detachedHead=false checkout --quiet FETCH_HEAD
    found=$(git -C "$partial" rev-parse HEAD)
    [ "$found" = "$commit" ] || fail "$origin: tag $tag is commit $found, expected $commit. The tag was moved or llama_cpp_commit is wrong; nothing was built."
}

from_archive() {
    local subdirectory=$1 components
    mkdir -p "$partial"
    if [ -n "$subdirectory" ]; then
        components=$(awk -F/ '{print NF}' <<<"$subdirectory")
        tar --extract --no-same-owner --file "$origin" --directory "$partial" --strip-components "$components" "$subdirectory"
    else
        tar --extract --no-same-owner --file "$origin" --directory "$partial" --strip-components 1
    fi
}

rm -rf "$partial"
if [ "$kind" = git ]; then
    from_git "$3" "$4"
else
    from_archive "$3"
fi
[ -f "$partial/ggml/CMakeLists.txt" ] || fail "$origin: no ggml/CMakeLists.txt in what was fetched: not a llama.cpp tree (llama_cpp_source_subdirectory?)."
sync -f "$partial"
rm -rf "$destination"
mv "$partial" "$destination"
if [ "$kind" = archive ]; then rm -f "$origin"; fi
