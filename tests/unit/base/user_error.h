#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace espalier::fixtures {

/// Runs `action`, which must throw a UserError whose message and hint together contain every fragment.
template <typename Action>
void expect_user_error(Action&& action, const std::vector<std::string>& fragments) {
  try {
    action();
  } catch (const UserError& error) {
    const std::string text = std::string(error.what()) + "\n" + error.hint();
    for (const std::string& fragment : fragments) {
      EXPECT_NE(text.find(fragment), std::string::npos) << "\"" << fragment << "\" is not in: " << text;
    }
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos)
        << "more than one line: " << error.what();
    return;
  }
  ADD_FAILURE() << "no UserError" << (fragments.empty() ? "" : ", expected: " + fragments.front());
}

}  // namespace espalier::fixtures
