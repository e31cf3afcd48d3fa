#include "checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <deque>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/input_watch.h"
#include "base/json.h"
#include "base/links.h"
#include "base/nearest.h"
#include "base/staged_folder.h"
#include "checkpoint/shard_index.h"
#include "checkpoint/tensor_table.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfigFile = "config.json";
constexpr std::string_view kTensorFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

void check_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) {
    throw UserError(fmt::format("{}: no such folder, expected a checkpoint", folder.string()),
                    "check the path");
  }
  if (!fs::is_directory(status)) {
    throw UserError(
        fmt::format("{}: is a file, expected a checkpoint folder with config.json and model.safetensors",
                    folder.string()),
        "name the folder that holds the file");
  }
  if (!fs::exists(folder / kConfigFile, error)) {
    refuse_dangling(folder / kConfigFile);
    throw UserError(fmt::format("{}: config.json is missing", folder.string()),
                    "a checkpoint folder holds config.json and model.safetensors");
  }
}

[[noreturn]] void no_tensors(const fs::path& folder) {
  refuse_dangling(folder / kTensorFile);
  refuse_dangling(folder / kIndexFile);
  std::error_code error;
  const bool pickled = fs::exists(folder / "pytorch_model.bin", error) ||
                       fs::exists(folder / "pytorch_model.bin.index.json", error);
  throw UserError(
      fmt::format("{}: neither model.safetensors nor model.safetensors.index.json is there", folder.string()),
      pickled ? "the folder holds a pickled pytorch_model.bin: convert it to safetensors first"
              : "a checkpoint folder holds config.json and model.safetensors");
}

}  // namespace

struct Checkpoint::State {
  fs::path folder;
  nlohmann::json config;
  std::deque<MappedSafetensors> files;  // a deque, because the table points into its elements
  TensorTable tensors;
  formats::WeightSource weights;
  std::deque<WatchedInput> watched;
  std::string described;  // config.json and the index, as they were read

  void add(const fs::path& file, const std::function<bool(const std::string& tensor)>& counts = {}) {
    tensors.add(files.emplace_back(file), counts);
    const FileStamp& stamp = files.back().mapping.stamp();
    if (stamp != FileStamp{}) watched.emplace_back(file, stamp);  // else it came through a pipe
  }
  void add_shards(const fs::path& index_file);
};

void Checkpoint::State::add_shards(const fs::path& index_file) {
  const std::string text = read_file(index_file);
  described += text;
  const ShardIndex index = parse_shard_index(text, index_file.string());
  for (const std::string& name : index.files) {
    std::error_code error;
    if (!fs::exists(folder / name, error)) {
      refuse_dangling(folder / name);
      throw UserError(fmt::format("{}: the shard {} is missing ({} in all)", index_file.string(), name,
                                  index.files.size()),
                      "download or copy the shard into the folder");
    }
    // The index is the list of what counts: a shard may hold more, or a tensor that counts elsewhere.
    add(folder / name, [&](const std::string& tensor) {
      const auto listed = index.file_of_tensor.find(tensor);
      return listed != index.file_of_tensor.end() && listed->second == name;
    });
  }
  for (const auto& [name, file] : index.file_of_tensor) {
    if (tensors.contains(name)) continue;
    throw UserError(fmt::format("{}: tensor {} should be in {}, but is not", index_file.string(), name, file),
                    "index and shards are not of one checkpoint: download or copy them again");
  }
}

Checkpoint Checkpoint::open(const fs::path& folder) {
  finish_replacement(folder);
  check_folder(folder);
  auto state = std::make_unique<State>();
  state->folder = folder;
  state->described = read_file(folder / kConfigFile);
  state->config = parse_json(state->described, (folder / kConfigFile).string());
  if (!state->config.is_object()) {
    throw UserError(fmt::format("{}: expected a JSON object", (folder / kConfigFile).string()),
                    "copy the model's own config.json into the folder");
  }
  std::error_code error;
  if (fs::exists(folder / kTensorFile, error)) {
    state->add(folder / kTensorFile);
  } else if (fs::exists(folder / kIndexFile, error)) {
    state->add_shards(folder / kIndexFile);
  } else {
    no_tensors(folder);
  }
  state->weights = {folder.string(),
                    formats::read_quantization(state->config, (folder / kConfigFile).string()),
                    [&tensors = state->tensors](std::string_view name) -> std::optional<formats::Tensor> {
                      if (!tensors.contains(name)) return std::nullopt;
                      return tensors.find(name, "");
                    }};
  return Checkpoint(std::move(state));
}

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

const fs::path& Checkpoint::folder() const {
  return state_->folder;
}

const nlohmann::json& Checkpoint::config() const {
  return state_->config;
}

bool Checkpoint::contains(std::string_view tensor) const {
  return state_->tensors.contains(tensor);
}

TensorView Checkpoint::tensor(std::string_view name) const {
  return state_->tensors.find(name, state_->folder.string());
}

formats::Weight Checkpoint::weight(std::string_view name) const {
  if (const auto found = formats::find_weight(state_->weights, name)) return *found;
  throw UserError(fmt::format("{}: there is no tensor {}", folder().string(), name),
                  suggestion(name, names()));
}

const formats::WeightSource& Checkpoint::weights() const {
  return state_->weights;
}

std::vector<std::string_view> Checkpoint::names() const {
  return state_->tensors.names();
}

const std::map<std::string, std::string>& Checkpoint::metadata() const {
  return state_->files.front().header.metadata;
}

std::vector<fs::path> Checkpoint::files() const {
  std::vector<fs::path> result;
  for (const MappedSafetensors& file : state_->files) result.push_back(file.file);
  return result;
}

std::uint64_t Checkpoint::file_bytes() const {
  std::uint64_t bytes = 0;
  for (const MappedSafetensors& file : state_->files) bytes += file.mapping.bytes().size();
  return bytes;
}

CheckpointIdentity Checkpoint::identity() const {
  Sha256 hash;
  std::string stamps;
  hash.update(std::as_bytes(std::span(state_->described)));
  for (const MappedSafetensors& file : state_->files) {
    const FileStamp& stamp = file.mapping.stamp();
    hash.update(file.mapping.bytes().first(file.header.data_begin));
    hash.update(std::as_bytes(std::span(&stamp.bytes, 1)));
    stamps += fmt::format("{} {} {}\n", stamp.bytes, stamp.inode, stamp.changed_nanoseconds);
  }
  return {hash.hex(), sha256(stamps)};
}

struct SafetensorsFile::State {
  explicit State(const fs::path& path) : file(path) { tensors.add(file); }
  MappedSafetensors file;
  TensorTable tensors;
};

SafetensorsFile SafetensorsFile::open(const fs::path& file) {
  return SafetensorsFile(std::make_unique<State>(file));
}

SafetensorsFile::SafetensorsFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

bool SafetensorsFile::contains(std::string_view tensor) const {
  return state_->tensors.contains(tensor);
}

TensorView SafetensorsFile::tensor(std::string_view name) const {
  return state_->tensors.find(name, state_->file.file.string());
}

std::vector<std::string_view> SafetensorsFile::names() const {
  return state_->tensors.names();
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return state_->file.header.metadata;
}

}  // namespace espalier
