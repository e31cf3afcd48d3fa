#include "checkpoint/tensor_table.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/nearest.h"

namespace espalier {

MappedSafetensors::MappedSafetensors(const std::filesystem::path& path)
    : file(path), mapping(path), header(parse_safetensors(mapping.bytes(), path.string())) {}

void TensorTable::add(const MappedSafetensors& file,
                      const std::function<bool(const std::string& tensor)>& counts) {
  for (const SafetensorsEntry& entry : file.header.tensors) {
    if (counts && !counts(entry.name)) continue;
    const auto bytes = file.mapping.bytes().subspan(entry.begin, entry.end - entry.begin);
    const TensorView view{{entry.name, entry.dtype, entry.shape, bytes}, files_, entry.begin};
    if (!tensors_.emplace(entry.name, view).second) {
      throw UserError(fmt::format("{}: tensor {}: another file of the checkpoint holds it too",
                                  file.file.string(), entry.name),
                      "a model.safetensors.index.json says which of them counts");
    }
  }
  ++files_;
}

TensorView TensorTable::find(std::string_view name, std::string_view source) const {
  if (const auto found = tensors_.find(name); found != tensors_.end()) return found->second;
  throw UserError(fmt::format("{}: there is no tensor {}", source, name), suggestion(name, names()));
}

std::vector<std::string_view> TensorTable::names() const {
  std::vector<std::string_view> result;
  result.reserve(tensors_.size());
  for (const auto& [name, view] : tensors_) result.push_back(name);
  return result;
}

}  // namespace espalier
