// Bad files of observations: what the error says, and where.
#include "artifacts/observations.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "checkpoint/checkpoint.h"
#include "small_observations.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using fixtures::small_observations;
using nlohmann::json;

/// A file of observations taken apart.
struct Parts {
  std::map<std::string, TensorSource> tensors;
  std::map<std::string, std::string> metadata;
};

Parts take_apart(const std::filesystem::path& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  Parts parts{{}, file.metadata()};
  for (const std::string_view name : file.names()) {
    const TensorView view = file.tensor(name);
    std::vector<std::byte> bytes(view.bytes.begin(), view.bytes.end());
    parts.tensors[std::string(name)] = {
        std::string(name),
        view.dtype,
        {view.shape.begin(), view.shape.end()},
        [bytes](std::span<std::byte> to) { std::memcpy(to.data(), bytes.data(), to.size()); }};
  }
  return parts;
}

struct BadFile {
  const char* what;
  std::function<void(Parts&)> damage;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadFile& bad) {
  return out << bad.what;
}

/// Does operations of a JSON Patch (RFC 6902) to the metadata.
std::function<void(Parts&)> patch_head(const char* patch) {
  return [patch](Parts& parts) {
    std::string& head = parts.metadata.at("observations");
    head = json::parse(head).patch(json::parse(patch)).dump();
  };
}

template <typename Value>
std::function<void(Parts&)> set(const char* tensor, std::size_t index, Value value) {
  return [=](Parts& parts) {
    TensorSource& source = parts.tensors.at(tensor);
    source.fill = [fill = source.fill, index, value](std::span<std::byte> to) {
      fill(to);
      std::memcpy(to.data() + index * sizeof(Value), &value, sizeof(Value));
    };
  };
}

std::function<void(Parts&)> texts(std::string text) {
  return [text](Parts& parts) {
    parts.tensors["texts"] = {
        "texts", Dtype::kU8, {static_cast<std::int64_t>(text.size())}, [text](std::span<std::byte> to) {
          std::memcpy(to.data(), text.data(), to.size());
        }};
  };
}

const std::vector<BadFile> kBadFiles{
    {"another safetensors file",
     [](Parts& p) { p.metadata.clear(); },
     {"o.safetensors: not a file of observations", "espalier observe"}},
    {"no head", [](Parts& p) { p.metadata.erase("observations"); }, {"have no \"observations\""}},
    {"a later version",
     [](Parts& p) { p.metadata["format"] = "espalier.observations/2"; },
     {"found \"espalier.observations/2\", expected \"espalier.observations/1\"", "another version"}},
    {"another kind", [](Parts& p) { p.metadata["format"] = "pt"; }, {"another kind of file"}},
    {"a head that is not JSON",
     [](Parts& p) { p.metadata["observations"] = "{"; },
     {"(metadata):1:", "not valid JSON"}},
    {"an unknown key",
     patch_head(R"([{"op": "add", "path": "/modle", "value": ""}])"),
     {"unknown field modle", "did you mean model?"}},
    {"K of 0",
     patch_head(R"([{"op": "replace", "path": "/experts_per_token", "value": 0}])"),
     {"(metadata): experts_per_token: found 0"}},
    {"more top groups than groups",
     patch_head(R"([{"op": "replace", "path": "/router_top_groups", "value": 2}])"),
     {"2 of 1 groups"}},
    {"a topology that is no hash",
     patch_head(R"([{"op": "replace", "path": "/topology_sha256", "value": "x"}])"),
     {"topology_sha256: found \"x\""}},
    {"a weight of 0",
     patch_head(R"([{"op": "replace", "path": "/data/0/weight", "value": 0}])"),
     {"data[0].weight: found 0"}},
    {"tokens below 0",
     patch_head(R"([{"op": "replace", "path": "/layers/0/tokens", "value": -1}])"),
     {"layers[0].tokens: found -1"}},
    {"experts past any model",
     patch_head(R"([{"op": "replace", "path": "/layers/0/experts", "value": 18446744073709551615}])"),
     {"layers[0].experts: found 18446744073709551615"}},
    {"another count of experts",
     patch_head(R"([{"op": "replace", "path": "/layers/0/experts", "value": 5}])"),
     {"tensor layers.1.routed is [4], expected [5]"}},
    {"another width",
     patch_head(R"([{"op": "replace", "path": "/layers/1/width", "value": 4}])"),
     {"tensor layers.3.output_sum is [4, 3], expected [4, 4]"}},
    {"layers out of order",
     patch_head(R"([{"op": "move", "from": "/layers/1", "path": "/layers/0"}])"),
     {"block 1 comes after block 3"}},
    {"a layer that is not there",
     patch_head(R"([{"op": "replace", "path": "/layers/1/layer", "value": 4}])"),
     {"there is no tensor layers.4.routed"}},
    {"a layer less",
     patch_head(R"([{"op": "remove", "path": "/layers/1"}])"),
     {"unknown tensor layers.3.gate_sum"}},
    {"a missing tensor",
     [](Parts& p) { p.tensors.erase("layers.3.norm_max"); },
     {"there is no tensor layers.3.norm_max"}},
    {"a tensor too many",
     [](Parts& p) {
       p.tensors["layers.1.norm_sums"] = {"layers.1.norm_sums", Dtype::kU8, {0}, [](auto) {}};
     },
     {"unknown tensor layers.1.norm_sums", "did you mean layers.1.norm_sum?"}},
    {"another dtype",
     [](Parts& p) { p.tensors["layers.1.top1"].dtype = Dtype::kI64; },
     {"tensor layers.1.top1 is I64, expected F64"}},
    {"a matrix of token ids",
     [](Parts& p) {
       p.tensors["token_use.token"].shape = {1, 3};
     },
     {"tensor token_use.token has 2 dimensions, expected 1"}},
    {"lists of different lengths",
     [](Parts& p) {
       p.tensors["token_use.count"] = {"token_use.count", Dtype::kF64, {0}, [](auto) {}};
     },
     {"token_use: 3 tokens, 3 layers, 3 experts, 0 counts"}},
    {"NaN", set("layers.1.logit_sum", 2, std::nan("")), {"layers.1.logit_sum: value 2 is nan", "overflowed"}},
    {"a count below 0", set("layers.1.routed", 0, -1.0), {"layers.1.routed: value 0 is -1"}},
    {"infinity", set("layers.3.output_sum", 5, INFINITY * 1.0), {"layers.3.output_sum: value 5 is inf"}},
    {"pairs out of order", set("token_use.layer", 2, 1), {"token_use[2]: not in the order"}},
    {"a pair of no layer", set("token_use.layer", 2, 4), {"token_use[2]: block 4 was not observed"}},
    {"a pair of no expert", set("token_use.expert", 2, 4), {"token_use[2]: there is no expert 4 in block 3"}},
    {"a token id below 0", set("token_use.token", 2, -5), {"token_use[2]: token -5"}},
    {"texts that are not JSON", texts("[}"), {"(texts):1:2", "not valid JSON"}},
    {"texts without examples", texts(R"({"token_text": {}})"), {"(texts): the field examples is missing"}},
    {"an id that is none",
     texts(R"({"examples": [], "token_text": {"1x": ""}})"),
     {"token_text.1x: not a token id"}},
    {"an example of no data",
     texts(
         R"({"token_text": {}, "examples": [{"layer": 1, "expert": 0, "token": 1, "source": 1, "sequence": 0,
               "position": 0, "gate": 0.5, "before": "", "after": ""}]})"),
     {"examples[0].source: there is no data 1"}},
};

class CorruptObservations : public ::testing::TestWithParam<BadFile> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptObservations, ::testing::ValuesIn(kBadFiles));

TEST_P(CorruptObservations, AreAUserErrorThatNamesTheTensor) {
  const TemporaryFolder folder;
  write_observations(folder / "o.safetensors", small_observations());
  Parts parts = take_apart(folder / "o.safetensors");
  GetParam().damage(parts);
  std::vector<TensorSource> tensors;
  for (auto& [name, tensor] : parts.tensors) tensors.push_back(std::move(tensor));
  write_safetensors(folder / "o.safetensors", std::move(tensors), parts.metadata);
  SCOPED_TRACE(GetParam().what);
  expect_user_error([&] { read_observations(folder / "o.safetensors"); }, GetParam().fragments);
}

TEST(CorruptObservations, WhatIsTakenApartAndPutTogetherIsGood) {
  const TemporaryFolder folder;
  write_observations(folder / "o.safetensors", small_observations());
  Parts parts = take_apart(folder / "o.safetensors");
  std::vector<TensorSource> tensors;
  for (auto& [name, tensor] : parts.tensors) tensors.push_back(std::move(tensor));
  write_safetensors(folder / "o.safetensors", std::move(tensors), parts.metadata);
  EXPECT_EQ(read_observations(folder / "o.safetensors").layers.size(), 2u);
}

TEST(CorruptObservations, EveryTruncationIsAUserError) {
  const TemporaryFolder folder;
  write_observations(folder / "o.safetensors", small_observations());
  const std::string whole = read_file(folder / "o.safetensors");
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    const auto bytes = std::as_bytes(std::span(whole).first(length));
    expect_user_error([&] { observations_from_bytes(bytes, "cut"); }, {"cut"});
  }
}

}  // namespace
}  // namespace espalier
