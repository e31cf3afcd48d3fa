#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/observations.h"
#include "base/folder_lock.h"
#include "infer/hidden_states.h"

namespace espalier {

/// The weights that an observation used, so that it is not ended with others.
struct UsedWeights {
  std::string stamps;                 ///< of the checkpoint's files, see CheckpointIdentity; empty: in memory
  std::vector<std::uint64_t> layers;  ///< `content_sum` of each layer that is done
};

/// The state of an unfinished observation: a folder beside the output, with the hidden states after the
/// layers that are done, their statistics, and `state.json`, which is replaced last and names the other two.
///
///     OUT.state/state.json                  what was run, with which weights, how many layers are done
///     OUT.state/observations-1.safetensors  of the layers done
///     OUT.state/hidden-1                    [N, D]; 0 and 1 alternate
class ObserveState {
 public:
  explicit ObserveState(const std::filesystem::path& out);

  /// Makes the folder and holds it against other processes: throws UserError where one is writing there, and
  /// where nothing can lie beside `out`.
  FolderLock create() const;
  bool exists() const;
  /// Layers done by the run that left the state. Throws UserError naming the first thing in which `run`, a
  /// flat object, differs from what that run said of itself.
  std::int64_t layers_done(const nlohmann::json& run) const;
  /// Of these layers.
  UsedWeights weights() const;
  Observations observations(std::int64_t layers_done) const;
  std::filesystem::path hidden_file(std::int64_t layers_done) const;

  /// `hidden_file(layers_done)` is in place already.
  void commit(const nlohmann::json& run, const UsedWeights& weights, const Observations& observations) const;
  void remove() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path observations_file(std::int64_t layers_done) const;
  std::filesystem::path folder_;
};

}  // namespace espalier
