#include "matmul/contenders.h"

#include <dnnl.hpp>
#ifdef PRODUCTS_BLIS
#include <blis.h>
#endif

namespace products {

namespace {

std::function<void()> by_sgemm(const Product& p) {
  return [p] {
    dnnl_sgemm(p.turn_a ? 'T' : 'N', p.turn_b ? 'T' : 'N', p.m, p.n, p.k, 1, p.a, p.a_stride(), p.b,
               p.b_stride(), 0, p.c, p.n);
  };
}

std::function<void()> by_primitive(const Product& p) {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  using Layout = dnnl::memory::format_tag;
  const auto matrix = [](std::int64_t rows, std::int64_t columns, bool turned) {
    return dnnl::memory::desc({rows, columns}, dnnl::memory::data_type::f32,
                              turned ? Layout::ba : Layout::ab);
  };
  const auto a = matrix(p.m, p.k, p.turn_a), b = matrix(p.k, p.n, p.turn_b), c = matrix(p.m, p.n, false);
  const dnnl::matmul matmul(dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), engine));
  const dnnl::memory ma(a, engine, const_cast<float*>(p.a)), mb(b, engine, const_cast<float*>(p.b)),
      mc(c, engine, p.c);
  return [=] {
    dnnl::stream stream(engine);
    matmul.execute(stream, {{DNNL_ARG_SRC, ma}, {DNNL_ARG_WEIGHTS, mb}, {DNNL_ARG_DST, mc}});
    stream.wait();
  };
}

#ifdef PRODUCTS_BLIS
std::function<void()> by_blis(const Product& p) {
  return [p] {
    float one = 1, zero = 0;
    bli_sgemm(p.turn_a ? BLIS_TRANSPOSE : BLIS_NO_TRANSPOSE, p.turn_b ? BLIS_TRANSPOSE : BLIS_NO_TRANSPOSE,
              p.m, p.n, p.k, &one, const_cast<float*>(p.a), p.a_stride(), 1, const_cast<float*>(p.b),
              p.b_stride(), 1, &zero, p.c, p.n, 1);
  };
}
#endif

}  // namespace

std::vector<Library> libraries() {
  return {
      {"onednn", by_sgemm},
      {"onednn-primitive", by_primitive},
#ifdef PRODUCTS_BLIS
      {"blis", by_blis},
#endif
  };
}

}  // namespace products
