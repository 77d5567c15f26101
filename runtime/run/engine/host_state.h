// The state directory in terms of this machine's ids: how it is opened before and after the process
// has become root of a user namespace, and whom the layers in it belong to.
#pragma once

#include <optional>
#include <string>

#include "images/layer/layer_form.h"
#include "images/layer/ownership.h"
#include "runtime/base/result.h"
#include "runtime/store/home.h"
#include "sandbox/ids/id_map.h"

namespace stagebox::run {

/// `path` was decided (Home::resolve) as the user that started us; after HostIds::acquire that user
/// is called 0.
base::Result<store::Home> open_home_at(const std::string& path);

/// This process's, where there is one that can be used: none is made. Only before
/// HostIds::acquire.
std::optional<store::Home> existing_home();

/// What imports make: EROFS images where they can of all but small layers, unless STAGEBOX_LAYERS
/// says "erofs" (of all) or "directories". kInvalid when it says something else.
base::Result<images::LayerForms> layer_forms();
images::LayerOwnership layer_ownership(const sandbox::HostIds& ids);

}  // namespace stagebox::run
