#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surgery/surgery.h"

namespace espalier {

/// Which counts of experts a program that runs models takes.
struct EngineAnswer {
  std::string_view engine;
  bool takes = false;       ///< the count that was asked about
  bool fast = false;        ///< by the path its makers tuned
  std::string why;          ///< a sentence
  std::string_view counts;  ///< which it takes, and which fastest
};

struct EngineReport {
  std::int64_t experts = 0;  ///< of a layer afterwards
  std::vector<EngineAnswer> answers;
  /// The count nearest to it (of two the larger) that all of them take, and take fast; between what a token
  /// needs and what the model has. nullopt: none.
  std::optional<std::int64_t> nearest, nearest_fast;
};

/// The names of the engines that are known: "transformers", "vllm", "sglang", "llama.cpp".
std::span<const std::string_view> engine_names();

/// What `engines` say of a surgery's result. Throws UserError for an unknown name.
EngineReport ask_engines(const std::vector<std::string>& engines, const Surgery& surgery,
                         const Checkpoint& checkpoint);

}  // namespace espalier
