// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace memtuned::daemon {

/// Sends spdlog's default logger to the journal when systemd started us, else to standard error, with the time.
void set_up_log(bool verbose);

}  // namespace memtuned::daemon
