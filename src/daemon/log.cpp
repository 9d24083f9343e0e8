// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace memtuned::daemon {

void set_up_log(bool verbose) {
    // systemd sets JOURNAL_STREAM for what it started with its output going to the journal.
    const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    if (journal)
        spdlog::set_default_logger(spdlog::systemd_logger_mt("memtuned"));
    else
        spdlog::set_default_logger(spdlog::stderr_color_mt("memtuned"));
    spdlog::set_pattern(journal ? "%v" : "%T.%e %^%-7l%$ %v");
    spdlog::set_level(verbose ? spdlog::level::debug : spdlog::level::info);
    spdlog::flush_on(spdlog::level::info);
}

}  // namespace memtuned::daemon
