// Removing a run as gc does, which asks for one that has ended.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "runtime/store/runs/run_store.h"

namespace stagebox::store {

inline void end_and_remove(const RunStore& runs, const std::string& id) {
  if (!runs.find_run(id)->ended_at) {
    ASSERT_TRUE(runs.finish_run(id, RunState::kFailed, timestamp_now()).ok());
  }
  const auto removed = runs.remove_run(*runs.find_run(id));
  ASSERT_TRUE(removed.ok()) << removed.error().message;
  EXPECT_TRUE(*removed);
}

}  // namespace stagebox::store
