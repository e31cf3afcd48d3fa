#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "arch/spec.h"
#include "checkpoint/checkpoint.h"
#include "infer/encoder_block.h"

namespace espalier::infer {

/// A vision transformer in which some blocks carry a MoE layer in the FFN's place (V-MoE, Riquelme et al.
/// 2021), as an ensemble where the config says so (E3, Allingham et al. 2022). Blocks normalise before each
/// part. Its weights are float32: those of the file where they are that already, else widened when loaded.
struct VisionModel {
  arch::ModelSpec spec;
  StoredLinear patch;        // [D, P * P * 3]: a patch's rows of pixels, red, green and blue of each
  StoredWeight class_token;  // [D]
  StoredWeight position;     // [1 + patches, D]
  std::vector<EncoderBlock> blocks;
  StoredNorm norm;
  StoredLinear classifier;  // [labels, D], on the class token
  std::shared_ptr<const Checkpoint> source;

  std::int64_t width() const { return spec.width; }
};

/// Throws UserError naming missing or mis-shaped tensors.
VisionModel load_vision(Checkpoint checkpoint);

/// Class scores of images: pixels [B, S, S, 3], -1 to 1 -> [M * B, labels], member after member; M is 1 but
/// for ensembles. `tap(block)` watches an MoE layer, in which N of an ensemble counts every member's tokens;
/// it may be empty.
Buffer<float> classify_images(const VisionModel& model, std::int64_t B, const float* pixels,
                              const std::function<ExpertTap(std::int64_t block)>& tap = {});

/// Log-probabilities of the classes, those of the members averaged as probabilities: [M * B, labels] -> [B,
/// labels].
Buffer<float> ensemble_log_probabilities(const Buffer<float>& scores, std::int64_t members,
                                         std::int64_t labels);

}  // namespace espalier::infer
