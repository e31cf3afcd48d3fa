#include "formats/quantization.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/base/user_error.h"

namespace espalier::formats {
namespace {

Quantization of(const char* quantization) {
  return read_quantization({{"quantization_config", nlohmann::json::parse(quantization)}}, "m/config.json");
}

TEST(ReadQuantization, TakesMethodBlocksAndBits) {
  const Quantization fp8 = of(R"({"quant_method": "fp8", "weight_block_size": [32, 64]})");
  EXPECT_EQ(fp8.method, "fp8");
  EXPECT_EQ(fp8.block_rows, 32);
  EXPECT_EQ(fp8.block_columns, 64);
  EXPECT_EQ(of(R"({"quant_method": "gptq", "bits": 8})").bits, 8);
  EXPECT_EQ(of(R"({"config_groups": {"group_0": {"weights": {"num_bits": 8}}}})").bits, 8);
  for (const Quantization& plain :
       {read_quantization(nlohmann::json::object(), "m"), of("null"), of("[]"), of("{}")}) {
    EXPECT_EQ(plain.method, "");
    EXPECT_EQ(plain.bits, 4);
    EXPECT_EQ(plain.block_rows, 128);
  }
}

TEST(ReadQuantization, RefusesBlocksOfNoSize) {
  for (const char* block : {"[0, 128]", "[128]", "128", "[128, -1]", "[1.5, 2]", "[128, 65537]", "\"128\""}) {
    fixtures::expect_user_error(
        [&] { of((std::string(R"({"weight_block_size": )") + block + "}").c_str()); },
        {"m/config.json", "weight_block_size", block[0] == '"' ? "128" : "found", "128, 128"});
  }
}

}  // namespace
}  // namespace espalier::formats
