# Runs `gpus --json` of the zipapp that is installed on the node, if it is the one the controller has; prints nothing else.
# ROOT SHA256 FILE come first; the VMIDs behind them are for read_guest_groups.sh, which follows in the same shell.
root=$1 sha256=$2 zipapp=$3
shift 3
if [ "$(sha256sum <"$zipapp" 2>/dev/null)" = "$sha256  -" ]; then
    ROCMOX_ROOT="$root" python3 -I "$zipapp" gpus --json || [ $? = 2 ] # 2: no card
fi
