"""Several residual streams side by side of which one is computed (AltUp and LAuReL, src/models/gemma3n.cpp)."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.attention import Attention
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.per_layer_inputs import slice_of
from rocmox.engines.llamacpp.memory.graph.pieces import norm, project
from rocmox.engines.llamacpp.memory.graph.states import weight_of
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError


@dataclasses.dataclass(kw_only=True)
class Streams:
    """Layers that predict all streams, compute the active one and correct the others: [width, tokens, streams]."""

    build: Build
    attention: Attention
    slices: Tensor

    def start(self, embeddings: Tensor) -> Tensor:
        """The embeddings and their projections, brought to the same length."""
        projection = self._outer("altup_proj.weight")
        width, tokens, others = embeddings.ne[0], self.build.tokens, projection.ne[2]
        length = _magnitude(embeddings)
        repeated = Tensor("repeat", embeddings.kind, op.four(width, tokens, others), (embeddings,))
        added = op.mul_mat(projection, repeated)
        added = op.like("div", op.like("mul", added, length), _magnitude(added))
        return op.concat(embeddings, added, 2)

    def layer(self, layer: int, streams: Tensor) -> Tensor:
        """One layer of all streams."""
        build = self.build
        predictions = self._predict(layer, streams)
        active = slice_of(predictions)
        normed = norm(build, active, layer, "attn_norm")
        side = project(build, project(build, normed, layer, "laurel_l"), layer, "laurel_r")
        side = op.like("add", norm(build, side, layer, "laurel_post_norm"), normed)
        current = norm(build, self.attention.run(layer, normed), layer, "post_attention_norm")
        current = op.like("scale", op.like("add", op.like("add", current, active), side))
        hidden = self._network(layer, norm(build, current, layer, "ffn_norm"))
        hidden = norm(build, hidden, layer, "post_ffw_norm", pinned=False)
        corrected = self._correct(layer, predictions, op.like("add", hidden, current))
        return self._with_inputs(layer, corrected)

    def merge(self, streams: Tensor) -> Tensor:
        """The mean of all streams, brought back to one."""
        length = _magnitude(slice_of(streams))
        projection = self._outer("altup_unembd_proj.weight")
        others = op.mul_mat(projection, _rest(streams))
        others = op.like("div", op.like("mul", others, length), _magnitude(others))
        current = slice_of(streams)
        for _ in range(projection.ne[2]):
            current = op.like("add", current, slice_of(others))
        return op.like("scale", current)

    def _outer(self, name: str) -> Tensor:
        weight = self.build.weight(name, self.build.places[-1])
        if weight is None:
            raise IncompleteModelError(name)
        return weight

    def _modalities(self, layer: int, current: Tensor) -> Tensor:
        normed = op.like("scale", norm(self.build, current, layer, "altup_router_norm"))
        return op.like("unary", op.mul_mat(weight_of(self.build, layer, "altup_router.weight"), normed))

    def _predict(self, layer: int, streams: Tensor) -> Tensor:
        count, tokens = streams.ne[2], self.build.tokens
        modalities = self._modalities(layer, slice_of(streams))
        factors = op.reshape(project(self.build, modalities, layer, "altup_predict_coef"), count, count, tokens)
        turned = op.cont(op.permute(streams, 1, 2, 0, 3))
        predictions = op.cont(op.permute(op.mul_mat(turned, factors), 0, 2, 1, 3))
        return op.like("add", predictions, streams)

    def _network(self, layer: int, current: Tensor) -> Tensor:
        """Early layers keep the strongest gates only (`gaussian_topk`)."""
        build = self.build
        up, gate = project(build, current, layer, "ffn_up"), project(build, current, layer, "ffn_gate")
        if layer < _SPARSE_LAYERS:
            mean = Tensor("mean", gate.kind, (1, *gate.ne[1:]), (gate,))
            spread = op.sum_rows(op.like("sqr", op.like("sub", gate, mean)))
            spread = op.like("scale", op.like("sqrt", op.like("scale", spread)))
            gate = op.like("unary", op.like("sub", gate, op.like("add", mean, spread)))
        return project(build, op.like("mul", up, op.like("unary", gate)), layer, "ffn_down")

    def _correct(self, layer: int, predictions: Tensor, activated: Tensor) -> Tensor:
        width, tokens, count = predictions.ne[0], self.build.tokens, predictions.ne[2]
        modalities = self._modalities(layer, activated)
        innovation = op.like("sub", activated, slice_of(predictions))
        factors = op.like("scale", project(self.build, modalities, layer, "altup_correct_coef"))
        factors = op.cont(op.transpose(factors), 1, tokens, count)
        repeated = Tensor("repeat", innovation.kind, op.four(width, tokens, count), (innovation,))
        return op.like("add", op.like("mul", repeated, factors), predictions)

    def _with_inputs(self, layer: int, corrected: Tensor) -> Tensor:
        """The layer's own input goes to all streams but the first."""
        build = self.build
        first = op.like("mul", slice_of(corrected), weight_of(build, layer, "altup_correct_scale.weight"))
        first = op.like("unary", project(build, first, layer, "inp_gate"))
        first = project(build, op.like("mul", first, slice_of(self.slices)), layer, "proj")
        first = norm(build, first, layer, "post_norm")
        rest = op.like("add", _rest(corrected), first)
        return op.concat(slice_of(corrected), rest, 2)


_SPARSE_LAYERS = 10  # n_layer_sparsity


def _magnitude(current: Tensor) -> Tensor:
    return op.like("sqrt", op.sum_rows(op.like("sqr", current)))


def _rest(streams: Tensor) -> Tensor:
    return op.view(streams, op.four(streams.ne[0], streams.ne[1], streams.ne[2] - 1), streams.nb)
