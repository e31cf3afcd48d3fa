#include "infer/decoder_save.h"

#include <algorithm>

#include "arch/table_sources.h"
#include "base/files.h"
#include "base/json.h"
#include "infer/decoder_roles.h"

namespace espalier::infer {

void save_decoder(const DecoderModel& model, const nlohmann::json& fields,
                  const std::filesystem::path& folder, Dtype dtype) {
  std::vector<arch::RoleValues> values;
  visit_model_roles(model, [&](const arch::TensorKey& key, const StoredWeight& weight) {
    if (!weight.defined()) return;
    values.push_back({key, [&weight](std::span<float> to) {
                        Buffer<float> buffer;
                        std::copy_n(weight.read(buffer), to.size(), to.begin());
                      }});
  });
  std::filesystem::create_directories(folder);
  const arch::ModelSpec spec = arch::read_spec(fields, (folder / "config.json").string());
  write_safetensors(folder / "model.safetensors", arch::table_sources(spec, std::move(values), dtype),
                    {{"format", "pt"}});
  auto config = fields;
  config["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", dump_json(config));
}

}  // namespace espalier::infer
