// The action that the golden test pins and the independent encoder encodes again.
#pragma once

#include "runtime/base/digest.h"
#include "runtime/store/action.h"

namespace stagebox::store {

inline ActionSpec sample_action() {
  ActionSpec spec;
  spec.arguments = {"/bin/sh", "-eu", "-c", "make -j2"};
  spec.environment = {{"PATH", "/usr/bin"}, {"CFLAGS", "-O2"}, {"EMPTY", ""}};
  spec.output_paths = {*base::RelativePath::parse("work/libz.a"),
                       *base::RelativePath::parse("work/include")};
  spec.working_directory = "build/dir";
  spec.platform = {{"network", "none"}, {"container-image", "sha256:abc"}};
  spec.inputs.push_back({*base::RelativePath::parse("src"), InputTree{base::Sha256::of(""), 0}});
  spec.inputs.push_back({*base::RelativePath::parse("tools/bin/gen"),
                         InputFile{base::Sha256::of("gen"), 3, Executable::kYes}});
  spec.inputs.push_back({*base::RelativePath::parse("tools/data"),
                         InputFile{base::Sha256::of("data"), 4, Executable::kNo}});
  spec.salt = "trusted/main";
  spec.do_not_cache = true;
  return spec;
}

}  // namespace stagebox::store
