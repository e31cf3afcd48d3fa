#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "artifacts/observations.h"
#include "infer/hidden_states.h"

namespace espalier {

/// The state of an unfinished observation: a folder beside the output, with the hidden states after the
/// layers that are done, their statistics, and `state.json`, which is replaced last and names the other two.
///
///     obs.safetensors.state/state.json               what was run, and how many layers are done
///     obs.safetensors.state/observations-1.safetensors  of the layers done
///     obs.safetensors.state/hidden-1                 [N, D]; 0 and 1 alternate
class ObserveState {
 public:
  explicit ObserveState(const std::filesystem::path& out);

  bool exists() const;
  /// Layers done by the run that left the state. Throws UserError naming the first thing in which `run`, a
  /// flat object, differs from what that run said of itself.
  std::int64_t layers_done(const nlohmann::json& run) const;
  Observations observations(std::int64_t layers_done) const;
  std::filesystem::path hidden_file(std::int64_t layers_done) const;

  /// `hidden_file(layers_done)` is in place already.
  void commit(const nlohmann::json& run, std::int64_t layers_done, const Observations& observations) const;
  void create() const;
  void remove() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path observations_file(std::int64_t layers_done) const;
  std::filesystem::path folder_;
};

}  // namespace espalier
