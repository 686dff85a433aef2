# Run in the guest by test_llama_cpp_bad_input.py: what the plays are given, right and wrong, and who watches them.
# MIRROR and MARKER stand in the environment; base64 texts of the two programs in $SERVER and $WATCHER.
set -eu
systemctl is-system-running --wait || true
mkdir -p /srv/bad/git/info /mnt/small /opt/rocm-9.9/lib/rocblas/library
mount -t tmpfs -o size=100m tmpfs /mnt/small
touch /opt/rocm-9.9/lib/rocblas/library/TensileLibrary_lazy_gfx1100.dat
cd /srv/bad
python3 - "$MIRROR" <<'PYTHON'
import io, os, sys, tarfile, urllib.request
from pathlib import Path

for name in ("models/tiny.gguf", "sources/llama_cpp_python-0.3.16.tar.gz"):
    urllib.request.urlretrieve(f"{sys.argv[1]}/{name}", Path(name).name)
tiny = Path("tiny.gguf").read_bytes()
Path("cut.gguf").write_bytes(tiny[:3000])
Path("short.gguf").write_bytes(tiny[:-4096])
Path("unknown.gguf").write_bytes(tiny.replace(b"llama", b"lxama"))
Path("foreign.gguf").write_bytes(b"no model\n" * 1000)
Path("huge.gguf").write_bytes(tiny)
os.truncate("huge.gguf", 1 << 42)
with tarfile.open("foreign.tar.gz", "w:gz") as tar:
    tar.addfile(tarfile.TarInfo("package/README"), io.BytesIO())
Path("git/info/refs").write_text("a" * 40 + "\trefs/tags/b10000\n")
PYTHON
echo "$SERVER" | base64 -d > /root/server.py
echo "$WATCHER" | base64 -d > /root/watcher.py
echo "$MARKER" > /root/marker
systemd-run --quiet --unit=server sh -c 'exec python3 /root/server.py /srv/bad 8099 user "$(cat /root/marker)@x"'
systemd-run --quiet --unit=watcher python3 /root/watcher.py
