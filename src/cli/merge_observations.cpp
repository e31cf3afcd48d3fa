#include "cli/merge_observations.h"

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "artifacts/observations.h"

namespace espalier {

void merge_observations(const MergeOptions& options, const GlobalOptions& global) {
  std::vector<Observations> parts;
  for (const std::string& file : options.files) parts.push_back(read_observations(file));
  std::vector<double> weights = options.weights;
  if (weights.empty()) weights.assign(parts.size(), 1.0);
  const Observations merged = merge(parts, weights);
  write_observations(options.out, merged);
  const double tokens = merged.layers.empty() ? 0.0 : merged.layers.front().tokens;
  if (global.json) {
    const nlohmann::ordered_json json{{"format", "espalier.merge/1"},
                                      {"observations", options.out},
                                      {"files", options.files},
                                      {"weights", weights},
                                      {"tokens", tokens}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: {} files, {:.10g} tokens (weighted), {} layers\n", options.out, parts.size(),
                           tokens, merged.layers.size());
}

}  // namespace espalier
