#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "arch/roles.h"
#include "arch/tensor_names.h"
#include "checkpoint/checkpoint.h"

namespace espalier::arch {

/// Where in a stored weight a role's matrix [rows, columns] (a vector: one row) is: element (i, j) is number
/// begin + i * row_stride + j * column_stride of it.
struct WeightPlace {
  std::string weight;  // the name that `Checkpoint::weight` knows
  std::int64_t begin = 0;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0, column_stride = 1;

  bool is_contiguous() const { return column_stride == 1 && (rows == 1 || row_stride == columns); }
};

/// Every role of a model with the place of its numbers in a checkpoint.
class BoundTensors {
 public:
  /// nullptr where the model or the checkpoint has no such role (a head of an encoder).
  const WeightPlace* find(const TensorKey& key) const;
  /// Of a role that the spec says is there.
  const WeightPlace& at(const TensorKey& key) const;
  bool has(Group group) const { return groups_.contains(group); }
  /// Tensors that no role reads: carried by surgery, ignored by all else.
  const std::vector<std::string>& unused() const { return unused_; }

 private:
  friend BoundTensors bind(const ModelSpec& spec, const Checkpoint& checkpoint);
  std::map<TensorKey, WeightPlace> places_;
  std::map<Group, bool> groups_;
  std::vector<std::string> unused_;
};

/// Finds every role's tensor, from the headers alone. Throws UserError naming the first tensor that is
/// missing, is of another shape (and which size asks for it) or of a dtype that no weight has, and how many
/// more there are; also for blocks and experts beyond what config.json says.
BoundTensors bind(const ModelSpec& spec, const Checkpoint& checkpoint);

/// The stored shape of a role by a row of the table: that of its matrix, or of the stack it lies in.
std::vector<std::int64_t> stored_shape(const ExpectedTensor& tensor, Storage storage, std::int64_t experts);
/// Where the role's numbers are in the weight of a name, stored by that row.
WeightPlace place_in(std::string weight, const ExpectedTensor& tensor, Storage storage);

}  // namespace espalier::arch
