#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"

namespace espalier {

struct OnnxExport {
  std::string output;  ///< what the graph gives: "logits", "last_hidden_state"
  std::uint64_t parameters = 0;
};

/// Writes a dense encoder with its head as `file`, float32, opset 17. Inputs are input_ids, attention_mask
/// and token_type_ids, int64 [batch, sequence]; the output is the classifier's logits, of every token where
/// it has no pooler, [batch, labels], those of the masked-word head [batch, sequence, V], or the hidden
/// states where there is no head. Throws UserError naming the layers that still have a router, and for what
/// is no encoder.
OnnxExport export_onnx(const Checkpoint& model, const std::filesystem::path& file);
/// What it would write, or why it cannot.
OnnxExport describe_onnx(const Checkpoint& model);

}  // namespace espalier
