"""What to do about a pair of cards that cannot be trusted."""

from __future__ import annotations

DATA = (
    "Serve nothing with -sm row or -sm tensor on this pair, and build llama.cpp with -DGGML_CUDA_NO_PEER_COPY=ON until "
    "it passes. Then one change at a time, testing after each: iommu=pt on the node's kernel command line; the "
    "in-tree amdgpu instead of amdgpu-dkms; a newer node kernel; HSA_ENABLE_PEER_SDMA=0; the card in another slot."
)
ACCESS = (
    "`rocmox health` on the node says which gate is shut (large BAR, IOMMU, chipset, pcie_p2p). Until then use -sm "
    "layer: a row split copies between the cards without asking and may crash."
)
CRASH = (
    "Use -sm layer with this pair. Read `rocmox kernel-log` on the node for page faults and resets; a small BAR makes "
    "libamdhip64 crash here instead of returning an error. Test again with HSA_ENABLE_SDMA=0."
)
HANG = (
    "Stop what serves on these cards. Read `rocmox kernel-log` and `rocmox mes` on the node for hung queues; test "
    "again with HSA_ENABLE_SDMA=0, which copies by kernels instead of the DMA engines."
)
STUCK = (
    "The process waits in the kernel: read the node's kernel log, then reboot the node; nothing less frees the card."
)
CALL = "Read the error's name and the node's kernel log; `rocmox health` in the guest checks rights and library."
MEMORY = "Free the cards' memory: stop the process that holds it (`rocmox gpus` names it), and test again."
KILLED = (
    "Most often the kernel killed it, short of memory: give the container 1 GiB more (the test takes some 200 MiB, "
    "and the runtime its own), and test again."
)
SLOW = (
    "Compare the trained links (`rocmox gpus`) with the slots: reseat the card or riser, look at pcie_replay_count, "
    "take the slot's full speed in the BIOS. `lspci -tv` shows which bridges both share."
)
LIBRARY = (
    "Test where ROCm is installed, usually in the guest: `rocmox p2p --machine ct://NODE/VMID`; or name the library by "
    "ROCMOX_HIP_LIBRARY."
)
DEVICES = "`rocmox health --only device_access,driver` says what keeps the library from the cards."
REPORT = "Run it again; when it stays, report this line: it is a defect of the test, not of the cards."
