#include "train/train_state.h"

#include <torch/utils.h>

#include <fmt/format.h>

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

void restore(const SafetensorsFile& file, const std::string& path, const std::string& name,
             torch::Tensor& tensor) {
  if (!file.contains(name))
    throw UserError(fmt::format("{}: no tensor '{}'", path, name),
                    "the state is of another model: resume with its own options");
  const auto view = file.tensor(name);
  const auto bytes = static_cast<std::size_t>(tensor.numel()) * sizeof(float);
  if (view.dtype != Dtype::kF32 || view.bytes.size() != bytes)
    throw UserError(
        fmt::format("{}: tensor '{}' has {} bytes, the model's has {}", path, name, view.bytes.size(), bytes),
        "the state is of another model: resume with its own options");
  std::memcpy(tensor.data_ptr<float>(), view.bytes.data(), bytes);
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
  return progress;
}

}  // namespace

void save_train_state(const std::filesystem::path& folder, AdamW& optimizer, const TrainProgress& progress) {
  std::vector<TensorSource> sources;
  for (auto& p : optimizer.parameters()) {
    sources.push_back(source("value." + p.name, p.value));
    sources.push_back(source("first_moment." + p.name, p.first_moment));
    sources.push_back(source("second_moment." + p.name, p.second_moment));
  }
  const nlohmann::json state = {{"format", kFormat},
                                {"step", progress.step},
                                {"epoch", progress.cursor.epoch},
                                {"next", progress.cursor.next},
                                {"tokens_seen", progress.tokens_seen},
                                {"seconds", progress.seconds}};
  write_safetensors(folder / kFile, std::move(sources), {{"espalier", state.dump()}});
}

void discard_train_state(const std::filesystem::path& folder) {
  std::filesystem::remove(folder / kFile);
}

std::optional<TrainProgress> load_train_state(const std::filesystem::path& folder, AdamW& optimizer) {
  const auto path = folder / kFile;
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto file = SafetensorsFile::open(path);
  const auto progress = parse_progress(file, path.string());
  const torch::NoGradGuard no_grad;
  for (auto& p : optimizer.parameters()) {
    restore(file, path.string(), "value." + p.name, p.value);
    restore(file, path.string(), "first_moment." + p.name, p.first_moment);
    restore(file, path.string(), "second_moment." + p.name, p.second_moment);
  }
  optimizer.set_steps(progress.step);
  return progress;
}

}  // namespace espalier
