#include "report/similarity_maps.h"

#include <gtest/gtest.h>

#include <vector>

namespace espalier {
namespace {

TEST(SimilarityMaps, AreColouredFromTheLeastToTheMostAlike) {
  const SimilarityMap map{"cka", "linear <CKA>", 3, 3, {1, 0.2, 0.6, 0.2, 1, 0.4, 0.6, 0.4, 1}};
  const std::string html = similarity_section({&map, 1});
  EXPECT_NE(html.find("Layer 3: cka, 0.2 to 0.6"), std::string::npos);
  EXPECT_NE(html.find("linear &lt;CKA&gt;."), std::string::npos);
  EXPECT_NE(html.find("<thead><tr><td><th>0<th>1</thead>"), std::string::npos) << html;
  EXPECT_NE(html.find("<tr><th scope=\"row\">1</th><td class=\"t10 low\">.20\n"), std::string::npos) << html;
  EXPECT_NE(html.find("<tr><th scope=\"row\">2</th><td class=t10>.60<td>.40\n"), std::string::npos) << html;
  EXPECT_TRUE(similarity_section({}).empty());
}

std::vector<SimilarityMap> maps_of(std::size_t layers, std::size_t experts) {
  std::vector<double> values(experts * experts);
  for (std::size_t i = 0; i < experts; ++i)
    for (std::size_t j = 0; j < experts; ++j)
      values[i * experts + j] = 1.0 / (1.0 + static_cast<double>(i > j ? i - j : j - i));
  std::vector<SimilarityMap> maps;
  for (std::size_t layer = 0; layer < layers; ++layer)
    maps.push_back({"cka", "linear CKA", static_cast<int>(layer), experts, values});
  return maps;
}

TEST(SimilarityMaps, OfManyExpertsAreAPageThatOpens) {
  constexpr std::size_t kMostBytes = 1 << 20;
  const std::string maps = similarity_section(maps_of(12, 64));  // 768 experts
  EXPECT_NE(maps.find("<tr><th scope=\"row\">63</th>"), std::string::npos);
  EXPECT_LT(maps.size(), kMostBytes);
  const std::string lists = similarity_section(maps_of(58, 256));
  EXPECT_NE(lists.find("Of each layer the 24 pairs that are most alike"), std::string::npos);
  EXPECT_NE(lists.find("<tr><td>0, 1<td>0.5<tr><td>1, 2<td>0.5"), std::string::npos);
  EXPECT_LT(lists.size(), kMostBytes);
}

}  // namespace
}  // namespace espalier
