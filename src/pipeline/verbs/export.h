#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/dtype.h"
#include "base/files.h"
#include "pipeline/verb.h"

namespace espalier::pipeline {

enum class ExportFormat {
  kBert,     ///< an ordinary BERT, in Hugging Face's layout
  kMistral,  ///< a dense Mistral, of a mixtral
  kOnnx      ///< model.onnx, of an encoder
};

struct ExportOptions {
  std::filesystem::path model;  ///< with one expert per layer
  ExportFormat format = ExportFormat::kBert;
  std::filesystem::path out;
  std::optional<Dtype> dtype;  ///< absent: F32 for bert, what the weights are in for mistral
  IfExists if_exists = IfExists::kFail;
};
void describe(options::OptionTable& table, ExportOptions& options);

struct ExportSummary {
  std::filesystem::path out;
  std::string architecture;
  std::uint64_t parameters = 0;
  Dtype dtype = Dtype::kF32;
};
nlohmann::ordered_json to_json(const ExportSummary& summary);
std::string to_text(const ExportSummary& summary);

/// Writes a dense model that other programs load. Throws UserError for a model that still has routers.
ExportSummary export_model(const ExportOptions& options, const RunContext& context);

Verb export_verb();

}  // namespace espalier::pipeline
