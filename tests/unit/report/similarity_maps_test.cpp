#include "report/similarity_maps.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(SimilarityMaps, AreColouredFromTheLeastToTheMostAlike) {
  const SimilarityMap map{"cka", "linear <CKA>", 3, 3, {1, 0.2, 0.6, 0.2, 1, 0.4, 0.6, 0.4, 1}};
  const std::string html = similarity_section({&map, 1});
  EXPECT_NE(html.find("Layer 3: cka, 0.2 to 0.6"), std::string::npos);
  EXPECT_NE(html.find("linear &lt;CKA&gt;."), std::string::npos);
  EXPECT_NE(html.find("class=\"low\" style=\"--v:1.00\" title=\"layer 3, experts 0 and 1: cka 0.2\""),
            std::string::npos)
      << html;
  EXPECT_NE(html.find("style=\"--v:1.00\" title=\"layer 3, experts 0 and 2: cka 0.6\""), std::string::npos);
  EXPECT_NE(html.find("--v:0.00\" title=\"layer 3, experts 1 and 2: cka 0.4\""), std::string::npos);
  EXPECT_TRUE(similarity_section({}).empty());
}

}  // namespace
}  // namespace espalier
