#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/calibration.h"
#include "pipeline/shared_options.h"
#include "pipeline/stream_memory.h"
#include "pipeline/verb.h"

namespace espalier::pipeline {

/// One of: a decoder or an encoder on text; a vision model on images; a decoder's weights alone; files that
/// are joined.
struct ObserveOptions {
  std::filesystem::path model;              ///< checkpoint folder
  std::vector<std::filesystem::path> data;  ///< text, JSON Lines or token ids
  CalibrationOptions calibration;           ///< the seed is the context's
  StreamMemory memory;                      ///< more goes to files beside `out`
  bool resume = false;                      ///< go on from the layer that an interrupted run reached
  std::vector<std::string> similarity;      ///< "cka", "output", "logits"; without data "weights", "probes"
  std::optional<std::int64_t> similarity_tokens, similarity_width;
  std::int64_t keep_tokens = 0;  ///< single tokens kept with all experts' outputs
  std::int64_t probes = 1024;    ///< Gaussian vectors
  ImageChoice images;
  std::string split = "train";               ///< of the images
  std::vector<std::filesystem::path> merge;  ///< files of observations of one model
  std::vector<double> weights;               ///< of these; none: 1 each
  std::filesystem::path out;                 ///< observations.safetensors
};
void describe(options::OptionTable& table, ObserveOptions& options);

/// How a layer's router shares out the tokens, and how alike its experts are.
struct ObservedLayer {
  int layer = 0;
  double entropy = 0, router_entropy = 0;         ///< report/expert_use.h
  std::map<std::string, double> mean_similarity;  ///< of all pairs: "cka", "output"; where it was asked for
};

struct ObserveSummary {
  std::filesystem::path out;
  std::vector<ObservedLayer> layers;
  std::int64_t sequences = 0;
  double tokens = 0;
  double seconds = 0;  ///< 0: nothing was run
  std::uint64_t peak_rss_bytes = 0;
};
nlohmann::ordered_json to_json(const ObserveSummary& summary);
std::string to_text(const ObserveSummary& summary);

/// What each expert of a model does, written to `out` (observe/observe.h). Throws UserError for options that
/// do not go together, Interrupted after Ctrl-C with the state saved beside `out`.
ObserveSummary observe(const ObserveOptions& options, const RunContext& context);

Verb observe_verb();

}  // namespace espalier::pipeline
