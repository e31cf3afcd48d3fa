#include "train/train_state.h"

#include <torch/utils.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"

namespace espalier {
namespace {

constexpr const char* kFile = "state.safetensors";
constexpr const char* kFormat = "espalier.train_state/1";

TensorSource source(const std::string& name, const torch::Tensor& tensor) {
  return {name, Dtype::kF32, tensor.sizes().vec(),
          [tensor = tensor.detach().contiguous()](std::span<std::byte> to) {
            std::memcpy(to.data(), tensor.data_ptr<float>(), to.size());
          }};
}

void check(const SafetensorsFile& file, const std::string& path, const std::string& name,
           const torch::Tensor& tensor) {
  constexpr const char* kHint = "the state is of another model: resume with its own options";
  if (!file.contains(name)) throw UserError(fmt::format("{}: no tensor '{}'", path, name), kHint);
  const auto view = file.tensor(name);
  if (view.dtype != Dtype::kF32 ||
      !std::equal(view.shape.begin(), view.shape.end(), tensor.sizes().begin(), tensor.sizes().end()))
    throw UserError(
        fmt::format("{}: tensor '{}' is {} [{}], the model's is F32 [{}]", path, name,
                    espalier::name(view.dtype), fmt::join(view.shape, ", "), fmt::join(tensor.sizes(), ", ")),
        kHint);
}

void restore(const SafetensorsFile& file, const std::string& name, torch::Tensor& tensor) {
  const auto view = file.tensor(name);
  std::memcpy(tensor.data_ptr<float>(), view.bytes.data(), view.bytes.size());
}

/// Calls `visit` with the stored name of each tensor that belongs to a parameter.
template <typename Visit>
void for_each_tensor(AdamW& optimizer, Visit visit) {
  for (auto& p : optimizer.parameters()) {
    visit("value." + p.name, p.value);
    visit("first_moment." + p.name, p.first_moment);
    visit("second_moment." + p.name, p.second_moment);
  }
}

TrainProgress parse_progress(const SafetensorsFile& file, const std::string& path) {
  const auto found = file.metadata().find("espalier");
  if (found == file.metadata().end())
    throw UserError(fmt::format("{}: not a training state: its metadata has no 'espalier'", path),
                    "the file was written by another program");
  JsonObject state(parse_json(found->second, path), path);
  if (const auto format = state.string("format"); format != kFormat)
    throw UserError(fmt::format("{}: the format is '{}', expected '{}'", path, format, kFormat),
                    "the file was written by another version of espalier");
  TrainProgress progress;
  progress.step = state.integer("step", {.min = 0});
  progress.cursor = {static_cast<std::uint64_t>(state.integer("epoch", {.min = 0})),
                     static_cast<std::uint64_t>(state.integer("next", {.min = 0}))};
  progress.tokens_seen = state.integer("tokens_seen", {.min = 0});
  progress.seconds = state.number("seconds", {.min = 0.0});
  if (const auto* objective = state.find_value("objective")) progress.objective = *objective;
  return progress;
}

}  // namespace

void save_train_state(const std::filesystem::path& folder, AdamW& optimizer, const TrainProgress& progress) {
  std::vector<TensorSource> sources;
  for_each_tensor(optimizer, [&](const std::string& name, const torch::Tensor& tensor) {
    sources.push_back(source(name, tensor));
  });
  const nlohmann::json state = {{"format", kFormat},
                                {"step", progress.step},
                                {"epoch", progress.cursor.epoch},
                                {"next", progress.cursor.next},
                                {"tokens_seen", progress.tokens_seen},
                                {"seconds", progress.seconds},
                                {"objective", progress.objective}};
  write_safetensors(folder / kFile, std::move(sources), {{"espalier", state.dump()}});
}

void discard_train_state(const std::filesystem::path& folder) {
  std::filesystem::remove(folder / kFile);
}

TrainState::TrainState(std::filesystem::path path, SafetensorsFile file)
    : path_(std::move(path)), file_(std::move(file)), progress_(parse_progress(file_, path_.string())) {}

std::optional<TrainState> TrainState::open(const std::filesystem::path& folder) {
  const auto path = folder / kFile;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return TrainState(path, SafetensorsFile::open(path));
}

void TrainState::restore(AdamW& optimizer) const {
  for_each_tensor(optimizer, [&](const std::string& name, torch::Tensor& tensor) {
    check(file_, path_.string(), name, tensor);
  });
  const torch::NoGradGuard no_grad;
  for_each_tensor(optimizer, [&](const std::string& name, torch::Tensor& tensor) {
    espalier::restore(file_, name, tensor);
  });
  optimizer.set_steps(progress_.step);
}

}  // namespace espalier
