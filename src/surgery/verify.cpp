#include "surgery/verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "surgery/apply.h"
#include "surgery/copy_stream.h"
#include "surgery/result_files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

class Comparison {
 public:
  Comparison(const PreparedSurgery& prepared, const fs::path& folder, const ProgressSink& progress)
      : prepared_(prepared), result_(Checkpoint::open(folder)), progress_(progress) {
    for (const auto& file : result_.files()) outputs_.emplace_back(file);
  }

  VerifySummary run() {
    compare_config();
    compare_names();
    for_each_tensor([this](const OutputTensor& tensor) { compare_type(tensor); });
    compare_bytes();
    compare_index();
    compare_carried_files();
    summary_.dropped = prepared_.checkpoint.names().size() - summary_.tensors;
    return summary_;
  }

 private:
  [[noreturn]] void differ(const std::string& what) const {
    throw UserError(fmt::format("{}: {}", result_.folder().string(), what),
                    "this is not what the plan makes of the model; apply the plan again");
  }

  void compare_config() const {
    const auto expected = parse_json(config_text_after(prepared_), "config.json");
    if (expected == result_.config()) return;
    const auto differences = nlohmann::json::diff(expected, result_.config());
    const auto& first = differences.front();
    differ(fmt::format("config.json: {} is not as expected ({})",
                       first.at("path").get<std::string>().substr(1), first.dump()));
  }

  void compare_names() const {
    std::map<std::string_view, const OutputTensor*> expected;
    for (const OutputShard& shard : prepared_.layout.shards) {
      for (const OutputTensor& tensor : shard.tensors) expected[tensor.name] = &tensor;
    }
    for (const std::string_view name : result_.names()) {
      if (!expected.contains(name))
        differ(fmt::format("tensor {} is there, but the plan leaves no such tensor", name));
    }
    for (const auto& [name, tensor] : expected) {
      if (!result_.contains(name))
        differ(fmt::format("tensor {} is missing (it comes from {})", name, tensor->from));
    }
  }

  void for_each_tensor(const std::function<void(const OutputTensor&)>& action) const {
    for (const OutputShard& shard : prepared_.layout.shards) {
      for (const OutputTensor& tensor : shard.tensors) action(tensor);
    }
  }

  void compare_type(const OutputTensor& expected) const {
    const TensorView found = result_.tensor(expected.name);
    if (found.dtype == expected.dtype &&
        std::equal(found.shape.begin(), found.shape.end(), expected.shape.begin(), expected.shape.end()))
      return;
    differ(fmt::format("tensor {} is {} [{}], expected {} [{}]", expected.name, name(found.dtype),
                       fmt::join(found.shape, ", "), name(expected.dtype), fmt::join(expected.shape, ", ")));
  }

  void compare_bytes() {
    const Inputs inputs = open_inputs(prepared_.layout);
    std::vector<ByteRange> copied, written;
    for_each_tensor([&](const OutputTensor& tensor) {
      const TensorView found = result_.tensor(tensor.name);
      std::uint64_t begin = found.begin;
      for (const OutputPiece& piece : tensor.pieces) {
        if (piece.kind == PieceKind::kCopy) copied.push_back(piece.source);
        written.push_back({found.file, begin, piece.bytes});
        begin += piece.bytes;
      }
    });
    CopyStream sources(inputs, std::move(copied)), results(outputs_, std::move(written));
    for_each_tensor([&](const OutputTensor& tensor) {
      std::uint64_t at = 0;
      for (const OutputPiece& piece : tensor.pieces) {
        for (std::uint64_t done = 0; done < piece.bytes;) {
          const auto found = results.next();
          compare(tensor, at, expected_bytes(piece, tensor.dtype, inputs, sources, done, found.size()),
                  found);
          at += found.size();
          done += found.size();
        }
      }
      ++summary_.tensors;
    });
  }

  /// Bytes [begin, begin + count) of a piece; valid until the next call.
  std::span<const std::byte> expected_bytes(const OutputPiece& piece, Dtype dtype, const Inputs& inputs,
                                            CopyStream& sources, std::uint64_t begin, std::size_t count) {
    if (piece.kind == PieceKind::kCopy) return sources.next();
    computed_.resize(kStreamBlockBytes);
    for (std::size_t done = 0; done < count; done += kPieceBytes) {
      compute(piece, dtype, inputs, begin + done,
              std::span(computed_).subspan(done, std::min(kPieceBytes, count - done)));
    }
    return std::span(computed_).first(count);
  }

  /// `at`: where these bytes begin in the tensor.
  void compare(const OutputTensor& tensor, std::uint64_t at, std::span<const std::byte> expected,
               std::span<const std::byte> found) {
    if (std::memcmp(expected.data(), found.data(), found.size()) != 0) {
      const auto first = std::mismatch(expected.begin(), expected.end(), found.begin()).first;
      differ(fmt::format("tensor {}: byte {} is not that of {}", tensor.name,
                         at + static_cast<std::uint64_t>(first - expected.begin()), tensor.from));
    }
    summary_.bytes += found.size();
    if (progress_) progress_({"comparing", summary_.bytes, prepared_.layout.data_bytes, "bytes"});
    if (interrupt_requested()) throw Interrupted("stopped; nothing was changed");
  }

  void compare_index() const {
    const fs::path file = result_.folder() / "model.safetensors.index.json";
    std::error_code error;
    if (result_.files().size() == 1 && !fs::exists(file, error)) return;
    JsonObject index(read_json(file), file.string());
    const std::int64_t size = index.object("metadata").integer("total_size");
    if (static_cast<std::uint64_t>(size) != prepared_.layout.data_bytes)
      differ(fmt::format("model.safetensors.index.json: metadata.total_size is {}, expected {}", size,
                         prepared_.layout.data_bytes));
  }

  void compare_carried_files() {
    const fs::path& model = prepared_.checkpoint.folder();
    for (const fs::path& file : carried_files(model).files) {
      std::error_code error;
      if (!fs::is_regular_file(result_.folder() / file, error))
        differ(fmt::format("{} was not carried over", file.string()));
      const std::string expected = is_quantization_settings(file)
                                       ? quantization_settings_after(prepared_, file)
                                       : read_file(model / file);
      if (read_file(result_.folder() / file) != expected)
        differ(fmt::format("{} is not as expected", file.string()));
      ++summary_.carried_files;
    }
  }

  const PreparedSurgery& prepared_;
  const Checkpoint result_;
  const ProgressSink& progress_;
  Inputs outputs_;
  VerifySummary summary_;
  std::vector<std::byte> computed_;
};

}  // namespace

VerifySummary verify_files(const fs::path& model, const fs::path& result, const fs::path& plan,
                           const SurgeryOptions& options, const ProgressSink& progress) {
  const PreparedSurgery prepared = prepare_surgery(model, plan, options, 0);
  return Comparison(prepared, result, progress).run();
}

SurgeryOptions recorded_options(const fs::path& result) {
  const fs::path record = result / "espalier/apply.json";
  std::error_code error;
  if (!fs::exists(record, error)) return {};
  return options_of_record(read_file(record), record.string());
}

}  // namespace espalier
