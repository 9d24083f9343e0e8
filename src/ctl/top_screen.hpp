// SPDX-License-Identifier: GPL-2.0-or-later
//
// The screen of `memtunectl top` as lines, out of what the daemon said and what the person chose.
//
// Below the header come indicators, rules, tunables and services. What does not fit into the height is cut so that
// each of them keeps a share of the first page, its most telling lines; the rest of each follows below, to scroll to.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "ctl/client.hpp"
#include "ctl/sparkline.hpp"
#include "ctl/terminal.hpp"

namespace memtuned::ctl {

/// What the daemon said last.
struct Snapshot {
    ManagerState manager;
    Objects objects;
    std::map<std::string, double> indicators;
};

/// What the person chose, and what is there to show it on.
struct TopView {
    int width = 80;
    int height = 0;  ///< 0: as many lines as it takes, without sparklines and keys
    bool utf8 = true;
    bool help = false;
    bool paused = false;
    int scrolled = 0;  ///< lines
    std::chrono::milliseconds interval{1000};
    std::string gone;  ///< why there is no daemon just now
};

struct Screen {
    std::vector<Line> lines;  ///< as many as the view is high, none wider than it or 10 columns
    int beyond = 0;           ///< how far one can scroll
};

Screen render(const Snapshot& snapshot, const History& history, const TopView& view, Realtime now);

}  // namespace memtuned::ctl
