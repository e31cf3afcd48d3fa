#!/usr/bin/env python3
"""Writes expected.json: what pruning each folder here by its pruned.json must give, byte for byte, and what
`inspect` must say of it. Rules are written out by hand from the goldens' description and the tensors' names,
and share nothing with the program.

    python3 tests/golden/families/make_expected.py
"""
import hashlib
import json
import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent

# Ends of names with one entry for each expert on the first axis.
FIRST_AXIS = [
    "mlp.gate.weight", "mlp.gate.e_score_correction_bias", "mlp.gate.expert_bias", "mlp.gate.bias",
    "mlp.expert_bias", "mlp.e_score_correction_bias", "mlp.experts.e_score_correction_bias",
    "mlp.router.gate.weight", "mlp.router.weight", "mlp.router.bias", "mlp.gate.wg.weight",
    "mlp.experts.gate_up_proj", "mlp.experts.down_proj", "mlp.experts.gate_up_proj_bias",
    "mlp.experts.down_proj_bias", "mlp.experts.w13_weight", "mlp.experts.w2_weight",
    "block_sparse_moe.gate.weight", "block_sparse_moe.gate.e_score_correction_bias",
    "block_sparse_moe.e_score_correction_bias", "block_sparse_moe.router.layer.weight",
    "block_sparse_moe.input_linear.weight", "block_sparse_moe.output_linear.weight",
    "block_sparse_moe.experts.gate_up_proj", "block_sparse_moe.experts.down_proj",
    "block_sparse_moe.router.weight",
    "feed_forward.router.weight", "feed_forward.experts.gate_up_proj", "feed_forward.experts.down_proj",
    "feed_forward.gate.weight", "feed_forward.expert_bias",
    "moe.gate.weight", "moe.router_bias", "moe.gate_proj.weight", "moe.up_proj.weight",
    "moe.down_proj.weight", "moe.router.expert_bias",
    "mixer.gate.weight", "mixer.gate.e_score_correction_bias",
    "ffn.gate.weight", "ffn.gate.bias", "ffn.router.layer.weight",
    # a layer's own, without a module
    "N.gate.weight", "N.experts.gate_up_proj", "N.experts.down_proj", "N.router.proj.weight",
    "N.router.per_expert_scale",
    # some rows more than experts, which stay: no-op choices, shared experts
    "mlp.router.classifier.weight", "mlp.router.e_score_correction_bias",
    "mlp.gate.router_mlp.out_proj.weight", "mlp.gate.balancing_biases",
]
SECOND_AXIS = ["mlp.moe_statics.e_score_correction_bias"]
FLAT = ["ffn.experts.mlp.w1", "ffn.experts.mlp.v1", "ffn.experts.mlp.w2"]

# Shared experts and the width of all of them together.
SHARED = {
    "afmoe": (1, 16), "axk1": (1, 16), "axk2": (1, 16), "bailing_hybrid": (1, 16), "cohere2_moe": (1, 16),
    "deepseek_v32": (1, 16), "deepseek_v4": (1, 16), "deepseek_v4-hash": (1, 16), "dots1": (2, 32),
    "dots3_note": (1, 16), "ernie4_5_moe": (2, 32), "exaone_moe": (1, 16), "flint": (1, 20),
    "glm4_moe": (1, 16), "glm4_moe_lite": (1, 16), "glm4v_moe": (1, 16), "glm5_next": (1, 16),
    "glm_moe_dsa": (1, 16), "glm_moe_dsa-sparse": (1, 16), "granitemoe_swa": (1, 20),
    "granitemoehybrid": (1, 20), "granitemoeshared": (1, 24), "hunyuan_v1_moe": (1, 16), "hy_v3": (1, 16),
    "hy_v4": (1, 16), "inkling": (2, 32), "kimi_k2": (1, 16), "kimi_k25": (1, 16), "kimi_linear": (1, 16),
    "kolibri1": (1, 20), "laguna": (1, 20), "lara_mini": (1, 16), "llama4": (1, 24), "llama4_text": (1, 20),
    "minimax_m3_vl": (1, 20), "mistral4": (1, 16), "mistral_large4": (1, 16), "nemotron_h": (1, 28),
    "nemotron_h-latent": (1, 28), "qwen3_5_moe": (1, 24), "qwen3_5_moe_text": (1, 24), "qwen3_next": (1, 20),
    "qwen4_exp": (1, 16), "sarvam_moe": (1, 16), "solar_open": (1, 16), "step3p7": (1, 20),
}

# Experts per token.
TWO = """afmoe cohere2_moe dbrx deepseek_v4 deepseek_v4-hash exaone_moe gemma4 glm5_next gpt_oss inkling inkling2
jamba jetmoe kimi_k25 lara_mini lfm2_moe llama4_text minimax mistral4 muse_spark phimoe qwen3_5_moe
qwen3_vl_moe qwen4_exp step3p7""".split()
ONE = ["llama4", "switch_transformers", "zaya"]

SOFTMAX = """dbrx ernie4_5_moe flex_olmo gemma4 hunyuan_v1_moe jamba lara_mini longcat_flash mellum minimax
mistral4 mistral_large4 phimoe qwen3_5_moe qwen3_5_moe_text qwen3_moe-saved qwen3_next qwen3_vl_moe qwen4_exp
switch_transformers zaya""".split()
SOFTMAX_OF_CHOSEN = "gpt_oss granitemoe granitemoe_swa granitemoehybrid granitemoeshared jetmoe".split()
SQRT_SOFTPLUS = ["deepseek_v4", "deepseek_v4-hash"]


def tensors_of(folder):
    data = (folder / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], data[8 + size:][slice(*entry["data_offsets"])])
            for name, entry in header.items()}


def end_of(name):
    """"model.layers.3.mlp.gate.weight" -> 3, "N.mlp.gate.weight"; None outside the decoder's blocks."""
    found = re.match(r"(?:model\.|language_model\.|llm\.|backbone\.|transformer\.)*(?:layers|blocks)\.(\d+)\.(.*)", name)
    return (int(found[1]), "N." + found[2]) if found else (None, "")


def is_one_of(end, ends):
    return any(end == e or end == "N." + e for e in ends)


def cut(shape, data, axis, experts, keep, flat):
    """The entries of `keep`, and those after the experts'."""
    entries = experts if flat else shape[axis]
    rows = 1
    for size in shape[:axis]:
        rows *= size
    step = len(data) // (rows * entries)
    order = keep + list(range(experts, entries))
    parts = [data[(row * entries + e) * step:][:step] for row in range(rows) for e in order]
    shape = list(shape)
    shape[axis] = shape[axis] // entries * len(order)
    return shape, b"".join(parts)


def pruned(tensors, keep, counts):
    result = {}
    for name, (dtype, shape, data) in tensors.items():
        layer, end = end_of(name)
        kept = keep[layer] if layer is not None else None
        if kept is None:
            result[name] = (dtype, shape, data)
            continue
        expert = re.search(r"\.experts\.(\d+)\.", name)
        if expert:
            number = int(expert[1])
            if number in kept:
                new = name[:expert.start(1)] + str(kept.index(number)) + name[expert.end(1):]
                result[new] = (dtype, shape, data)
            continue
        axis = 1 if is_one_of(end, SECOND_AXIS) else 0
        if axis == 1 or is_one_of(end, FIRST_AXIS + FLAT):
            shape, data = cut(shape, data, axis, counts[layer], kept, is_one_of(end, FLAT))
        result[name] = (dtype, shape, data)
    return result


def sha256(tensors):
    digest = hashlib.sha256()
    for name in sorted(tensors):
        dtype, shape, data = tensors[name]
        digest.update(f"{name} {dtype} {'x'.join(map(str, shape))}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def elements(shape):
    product = 1
    for size in shape:
        product *= size
    return product


def experts_of(tensors):
    """{layer: (experts, parameters of one)} by the tensors alone."""
    layers = {}
    for name, (_, shape, _) in tensors.items():
        found = re.match(r"(encoder|decoder)\.block\.(\d+)\.", name)
        layer, end = end_of(name)
        if found:
            layer, end = int(found[2]) + (2 if found[1] == "decoder" else 0), name
        if layer is None:
            continue
        expert = re.search(r"\.experts\.(?:expert_)?(\d+)\.", name)
        stacked = re.search(r"experts\.(gate_up_proj|down_proj|w13_weight|w2_weight)(_bias)?$"
                            r"|N\.moe\.(gate|up|down)_proj\.weight$"
                            r"|(block_sparse_moe|N\.mlp)\.(input|output)_linear\.weight$", end)
        count, size = layers.get(layer, (0, 0))
        if expert:
            layers[layer] = (max(count, int(expert[1]) + 1), size + (elements(shape) if expert[1] == "0" else 0))
        elif stacked:
            layers[layer] = (shape[0], size + elements(shape) // shape[0])
        elif end.startswith("N.self_attention.experts.") and name.endswith("_linear.weight"):
            layers[layer] = (shape[0], size + elements(shape) // shape[0])  # jetmoe's attention
        elif is_one_of(end, FLAT):
            layers[layer] = (8, size + elements(shape) // 8)
    return layers


def main():
    expected = {}
    for folder in sorted(path for path in HERE.iterdir() if path.is_dir()):
        name, tensors = folder.name, tensors_of(folder)
        config = json.loads((folder / "config.json").read_text())
        layers = experts_of(tensors)
        k = 1 if name in ONE else 2 if name in TWO else 3
        total = sum(elements(shape) for dtype, shape, _ in tensors.values() if dtype != "I64")
        idle = sum((count - k) * size for count, size in layers.values())
        count, width = SHARED.get(name, (0, 0))
        score = ("softmax" if name in SOFTMAX else "softmax_of_chosen" if name in SOFTMAX_OF_CHOSEN else
                 "sqrt_softplus" if name in SQRT_SOFTPLUS else "sigmoid")
        row = {"model_type": config["model_type"], "experts": {str(l): c for l, (c, _) in sorted(layers.items())},
               "experts_per_token": k, "shared_experts": count, "shared_width": width, "score": score,
               "parameters": total, "parameters_per_token": total - idle}
        if (folder / "pruned.json").exists():
            keep = json.loads((folder / "pruned.json").read_text())["keep"]
            row["pruned_sha256"] = sha256(pruned(tensors, keep, {l: c for l, (c, _) in layers.items()}))
        expected[name] = row
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
