#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/tensor_names.h"
#include "surgery/surgery.h"

namespace espalier {

/// Experts' numbers before and after, by the names that tensors and modules have.
class Renumbering {
 public:
  explicit Renumbering(const Surgery& surgery);
  /// An expert's number afterwards; nullopt for one that is gone. Blocks without experts: the same number.
  std::optional<std::int64_t> after(const arch::BlockName& block, std::int64_t expert) const;
  /// The same of the block of a number, where one stack alone has it; others keep theirs.
  std::optional<std::int64_t> after(std::int64_t block, std::int64_t expert) const;
  /// A block that is left out.
  bool is_gone(const arch::BlockName& block) const;

 private:
  static std::string key(const arch::BlockName& block);
  std::map<std::string, std::map<std::int64_t, std::int64_t>> after_;  // "model.layers.3" -> old -> new
  std::vector<std::int64_t> gone_;
  std::int64_t blocks_ = 0;
};

}  // namespace espalier
