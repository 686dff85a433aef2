"""The settings of `rocmox fit` as options, named as in llama-server."""

from __future__ import annotations

import argparse

from rocmox.engines.llamacpp.memory.request import Request


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Options named as in llama-server, as far as memory depends on them."""
    parser.add_argument("--context", type=int, default=0, metavar="N", help="tokens of context (default 4096)")
    parser.add_argument("--split", default="", metavar="MODE", help="none, layer, row or tensor (default layer)")
    parser.add_argument("--kv", default="f16", metavar="TYPE", help="type of the KV cache (default f16)")
    parser.add_argument("--kv-v", default="", metavar="TYPE", help="type of V when it differs from K")
    parser.add_argument("--ubatch", type=int, default=512, metavar="N", help="micro batch (default 512)")
    parser.add_argument("--parallel", type=int, default=1, metavar="N", help="requests served at once (default 1)")
    parser.add_argument("--flash-attn", default="", metavar="on|off", help="default: the build's own")
    parser.add_argument("--llama-build", default="latest", metavar="bNNNN", help="a tag, or latest (default)")
    parser.add_argument("--tensor-split", default="", metavar="A,B,…", help="share of each card (default: by memory)")
    parser.add_argument("--kv-unified", default="", metavar="on|off", help="one KV stream for all slots")
    parser.add_argument("--peer-copy", default="on", metavar="on|off", help="off: a build without peer copies")
    parser.add_argument(
        "--logits", default="slots", metavar="slots|all", help="logits for each slot, or for every token"
    )
    parser.add_argument("--gpu-layers", type=int, metavar="N", help="the last N layers on the cards (default: all)")
    parser.add_argument(
        "--n-cpu-moe", type=int, default=0, metavar="N", help="keep the experts of the first N layers in host memory"
    )
    parser.add_argument(
        "--override-tensor", default="", metavar="PATTERN=CPU,…", help="where single weights are placed"
    )
    parser.add_argument("--kv-offload", default="on", metavar="on|off", help="off: the KV cache stays in host memory")
    parser.add_argument(
        "--swa-full", default="off", metavar="on|off", help="on: layers with a window cache the whole context"
    )
    parser.add_argument("--cublas", default="auto", metavar="auto|on|off", help="whether the build forces cuBLAS")


def read_request(arguments: argparse.Namespace) -> Request:
    """The options as a request."""
    return Request(
        context_tokens=arguments.context,
        split=arguments.split,
        kv=arguments.kv,
        kv_v=arguments.kv_v,
        ubatch_tokens=arguments.ubatch,
        parallel=arguments.parallel,
        flash_attention=arguments.flash_attn,
        build=arguments.llama_build,
        tensor_split=arguments.tensor_split,
        kv_unified=arguments.kv_unified,
        peer_copy=arguments.peer_copy,
        logits=arguments.logits,
        cublas=arguments.cublas,
        gpu_layers=arguments.gpu_layers,
        cpu_expert_layers=arguments.n_cpu_moe,
        override_tensor=arguments.override_tensor,
        kv_offload=arguments.kv_offload,
        full_windows=arguments.swa_full,
    )
