// The catalog of the image store: documents and names, without the layers. For ImageStore and
// ImageImporter.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "images/archive/image.h"
#include "images/layer/ownership.h"
#include "images/store_dirs.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// Letters, digits and "._:/@+-", at most 200, beginning with a letter or digit, no digest.
base::Result<void> check_name(const std::string& name);

/// The file of a name in refs/.
std::string ref_file(const std::string& name);
/// kNotFound when no image has the name.
base::Result<base::Digest> read_ref(const StoreDirs& dirs, const std::string& name);
/// Only with the store's lock held.
base::Result<void> write_ref(const StoreDirs& dirs, const std::string& name,
                             const base::Digest& manifest);
base::Result<void> remove_ref(const StoreDirs& dirs, const std::string& name);
/// Name to manifest; damaged refs are left out.
base::Result<std::map<std::string, base::Digest>> list_refs(const StoreDirs& dirs);

/// Writes a config or manifest under its digest, durably; one that is there is only marked
/// as new.
base::Result<void> write_document(int dir_fd, const base::Digest& digest, const std::string& text);
/// From the stored documents, verified. kNotFound or kCorrupt.
base::Result<Image> load_image(const StoreDirs& dirs, const base::Digest& manifest,
                               const LayerOwnership& ownership);
/// The manifest that `text` means; see ImageStore::find.
base::Result<base::Digest> find_manifest(const StoreDirs& dirs, const std::string& text);

}  // namespace stagebox::images
