#include "surgery/convert.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "surgery/carried_files.h"
#include "surgery/conversion.h"
#include "surgery/output_folder.h"
#include "surgery/result_files.h"
#include "surgery/weight_rows.h"
#include "surgery/write_layout.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kRecord = "espalier/convert.json";

std::string_view name_of(ConvertTo to) {
  if (to == ConvertTo::kFp8) return "fp8";
  return to == ConvertTo::kF32 ? "f32" : "bf16";
}

/// The settings go, those of an inner model too; FP8 has them as DeepSeek-V3 writes them.
json config_after(json config, const ConversionPlan& plan, ConvertTo to) {
  for (const char* inner : {"text_config", "llm_config"})
    if (config.contains(inner) && config[inner].is_object()) config[inner].erase("quantization_config");
  config.erase("quantization_config");
  if (to == ConvertTo::kFp8) {
    config["quantization_config"] = {{"activation_scheme", "dynamic"},
                                     {"fmt", "e4m3"},
                                     {"quant_method", "fp8"},
                                     {"weight_block_size", {128, 128}},
                                     {"modules_to_not_convert", plan.plain_modules}};
  }
  const char* field = config.contains("dtype") ? "dtype" : "torch_dtype";
  config[field] = to == ConvertTo::kF32 ? "float32" : "bfloat16";
  return config;
}

/// Squares of the differences and of the numbers before, of one weight.
struct Squares {
  double difference = 0, before = 0;
};

Squares squares_of(const Conversion& conversion, const PartRanges& written, const Inputs& inputs,
                   const Inputs& outputs) {
  const formats::Weight& to = conversion.to;
  const std::int64_t whole = to.matrix_rows;
  const std::int64_t step = conversion.turned || !conversion.from.rows_apart ? whole : rows_at_a_time(to);
  std::vector<float> before, after;
  Squares sum;
  for (std::int64_t first = 0; first < to.rows;) {
    const std::int64_t count = std::min(step, whole - first % whole);
    before.resize(static_cast<std::size_t>(count * to.columns));
    after.resize(before.size());
    read_converted(conversion, inputs, first, count, before.data());
    read_rows(to, written, outputs, first, count, after.data());
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double was = static_cast<double>(before[i]), difference = static_cast<double>(after[i]) - was;
      sum.difference += difference * difference;
      sum.before += was * was;
    }
    first += count;
  }
  return sum;
}

/// By kind, of the files as they were written.
std::vector<ConversionCost> measure(const ConversionPlan& plan, const Layout& layout, const fs::path& folder,
                                    const ProgressSink& progress) {
  const Checkpoint result = Checkpoint::open(folder);
  const Inputs inputs = open_inputs(layout);
  Inputs outputs;
  for (const fs::path& file : result.files()) outputs.emplace_back(file);
  std::map<std::string, std::pair<ConversionCost, Squares>> kinds;
  std::uint64_t done = 0;
  for (const ConvertedWeight& weight : plan.converted) {
    if (interrupt_requested()) throw Interrupted("stopped while measuring; the same command goes on");
    const auto place = formats::place_of(result.weights(), result.tensor(weight.name));
    const Squares squares = squares_of(*weight.conversion, part_ranges(result, place), inputs, outputs);
    auto& [cost, sum] = kinds[weight.kind];
    cost.kind = weight.kind;
    ++cost.weights;
    cost.numbers += weight.conversion->to.elements();
    sum.difference += squares.difference;
    sum.before += squares.before;
    if (progress) progress({"measuring", ++done, plan.converted.size(), "weights"});
  }
  std::vector<ConversionCost> costs;
  for (auto& [kind, found] : kinds) {
    found.first.relative_error =
        found.second.before > 0 ? std::sqrt(found.second.difference / found.second.before) : 0;
    costs.push_back(found.first);
  }
  return costs;
}

json costs_json(const std::vector<ConversionCost>& costs) {
  json list = json::array();
  for (const ConversionCost& cost : costs)
    list.push_back({{"kind", cost.kind},
                    {"weights", cost.weights},
                    {"numbers", cost.numbers},
                    {"relative_error", cost.relative_error}});
  return list;
}

std::vector<ConversionCost> costs_of_record(const fs::path& file) {
  std::vector<ConversionCost> costs;
  for (const json& cost : read_json(file).at("costs"))
    costs.push_back({cost.at("kind"), cost.at("weights"), cost.at("numbers"), cost.at("relative_error")});
  return costs;
}

/// Files beside the weights, but for the settings of the old quantisation.
void write_other_files(const Checkpoint& model, const ConversionPlan& plan, const Layout& layout,
                       ConvertTo to, const fs::path& folder) {
  for (const fs::path& file : carried_files(model.folder()).files)
    if (!is_quantization_settings(file) && file != kRecord) carry_over(model.folder() / file, folder / file);
  std::error_code error;
  if (fs::is_regular_file(model.folder() / "README.md", error))
    carry_over(model.folder() / "README.md", folder / "README.md");
  if (layout.shards.size() > 1) {
    std::int64_t parameters = 0;
    for (const std::string_view name : model.names())
      parameters += formats::parameters(model.weights(), model.tensor(name));
    write_file(folder / "model.safetensors.index.json", index_text(model.folder(), layout, parameters));
  }
  write_file(folder / "config.json", dump_json(config_after(model.config(), plan, to)));
}

std::string recipe(const Layout& layout, ConvertTo to) {
  std::string text = fmt::format("convert {}\n", name_of(to));
  for (const OutputShard& shard : layout.shards)
    text += fmt::format("{} {}\n", shard.file, sha256(shard.header));
  return text;
}

void write_record(const ConvertOptions& options, const ConvertSummary& summary, const fs::path& folder) {
  fs::create_directories(folder / "espalier");
  write_file(folder / kRecord, dump_json({{"format", "espalier.convert/1"},
                                          {"version", ESPALIER_VERSION},
                                          {"command", options.command},
                                          {"model", options.model.string()},
                                          {"to", name_of(options.to)},
                                          {"file_bytes_before", summary.file_bytes_before},
                                          {"file_bytes", summary.file_bytes_after},
                                          {"costs", costs_json(summary.costs)}}));
}

}  // namespace

ConvertSummary convert_files(const ConvertOptions& options, const ProgressSink& progress,
                             const NoteSink& note) {
  const Checkpoint model = Checkpoint::open(options.model);
  const ConversionPlan plan = plan_conversion(model, options.to);
  const Layout layout = lay_out(model, plan.tensors, options.shard_bytes);
  ConvertSummary summary;
  summary.file_bytes_before = model.file_bytes();
  summary.file_bytes_after = layout.file_bytes();
  for (const OutputShard& shard : layout.shards) summary.files.emplace_back(shard.file, shard.bytes());
  StagedFolder folder = stage_model(options.out, options.if_exists, model, recipe(layout, options.to), note);
  if (folder.is_done()) {
    if (note) note(fmt::format("{}: is complete, of the same command", options.out.string()));
    summary.files_found = layout.shards.size();
    summary.costs = costs_of_record(options.out / kRecord);
    return summary;
  }
  try {
    keep_shards_only(layout, folder.path());
    summary.files_found = write_shards(layout, folder.path(), progress);
    write_other_files(model, plan, layout, options.to, folder.path());
    summary.costs = measure(plan, layout, folder.path(), progress);
    write_record(options, summary, folder.path());
    commit_model(folder);
  } catch (...) {
    if (shards_in(layout, folder.path()) == 0) folder.discard();
    throw;
  }
  return summary;
}

}  // namespace espalier
